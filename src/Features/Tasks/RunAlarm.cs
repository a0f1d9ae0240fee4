namespace Hive.Features.Tasks;

/// <summary>The moments that <see cref="RunAlarms"/> acts on.</summary>
internal enum RunAlarm
{
    /// <summary>A run was not begun in time.</summary>
    Start,

    /// <summary>The agent of a run is gone.</summary>
    Gone,

    /// <summary>A run has taken all of its time.</summary>
    Timeout,

    /// <summary>The agent of a run is idle.</summary>
    Idle,

    /// <summary>The agent of a run was lost and has not come back.</summary>
    Lost,

    /// <summary>The pause of a task is over; the id is the task's.</summary>
    Retry,

    /// <summary>The time of a barrier or a merge is over; the id is the task's.</summary>
    Deadline,

    /// <summary>The times that runs have taken are to be stored; the id is 0.</summary>
    Save,
}
