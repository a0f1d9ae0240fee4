using Hive.Protocol;

namespace Hive.Common.Activities;

/// <summary>One slice's knowledge of what agents do. Of the states that all slices name, <see cref="IActivities"/>
/// shows the first in the table of states.</summary>
public interface IActivitySource
{
    /// <summary>The states that apply to an agent as far as the slice knows. Must be quick and from memory: it runs for
    /// each change of a row.</summary>
    IEnumerable<Activity> Read(string agent);
}

/// <summary>Tells what agents do, in the same words at every door.</summary>
public interface IActivities
{
    /// <summary>The activity of an agent; null when it does not exist.</summary>
    Activity? Of(string agent);
}
