using Hive.Common;
using Hive.Common.Storage;

namespace Hive.Features.Collaboration;

/// <summary>The thing that is due at a deadline.</summary>
internal enum Due
{
    /// <summary>A handoff expires.</summary>
    Handoff,

    /// <summary>A thread is abandoned.</summary>
    Thread,
}

/// <summary>The deadlines of open handoffs and active threads.</summary>
internal sealed class CollaborationDeadlines(TimeProvider clock) : IDisposable
{
    /// <summary>How long an invited agent has to answer.</summary>
    public static readonly TimeSpan Answer = TimeSpan.FromHours(24);

    /// <summary>After how much time without a post a thread is abandoned.</summary>
    public static readonly TimeSpan Silence = TimeSpan.FromDays(30);

    // Not shared: the keys are handoffs and threads.
    private readonly Deadlines<(Due, long)> deadlines = new(clock);

    /// <summary>Sets a deadline, in place of an earlier one.</summary>
    public void Set(Due due, long id, TimeSpan left)
    {
        deadlines.Remove((due, id));
        deadlines.Add((due, id), left);
    }

    /// <summary>Sets a deadline, from now, once the write is stored.</summary>
    public void Set(IWrite write, Due due, long id, TimeSpan left)
    {
        var at = clock.GetTimestamp();
        write.AfterCommit(() => Set(due, id, left - clock.GetElapsedTime(at)));
    }

    /// <summary>Removes a deadline once the write is stored.</summary>
    public void Remove(IWrite write, Due due, long id) => write.AfterCommit(() => deadlines.Remove((due, id)));

    /// <summary>Removes and returns what is due.</summary>
    public (Due Due, long Id)[] TakeDue() => deadlines.TakeDue(100);

    /// <summary>Waits for the next deadline.</summary>
    public Task WaitForDue(CancellationToken ct) => deadlines.WaitForDue(ct);

    public void Dispose() => deadlines.Dispose();
}
