using Hive.Common.Errors;

namespace Hive.Runtimes.Local;

/// <summary>The abilities of a program that isolates agents on this machine, as one trial found them.</summary>
/// <param name="NoNamespace">Why it cannot make a user namespace and forbid further ones; null when it can.</param>
/// <param name="NoUser">Why an agent has no user of its own; null when it has, or when Hive is not root.</param>
/// <param name="NoFilter">Why Hive's filter of system calls is not used; null when it is.</param>
/// <param name="NoNetwork">Why an agent has no network of its own; null when it has.</param>
internal abstract record Abilities(Fault? NoNamespace, Fault? NoUser, Fault? NoFilter, Fault? NoNetwork)
{
    /// <summary>Nothing is missing.</summary>
    public bool IsComplete => this is { NoNamespace: null, NoUser: null, NoFilter: null, NoNetwork: null };

    /// <summary>The abilities that this or an earlier trial found.</summary>
    public Abilities Or(Abilities? before) =>
        before is null
            ? this
            : this with
            {
                NoNamespace = before.NoNamespace is null ? null : NoNamespace,
                NoUser = before.NoUser is null ? null : NoUser,
                NoFilter = before.NoFilter is null ? null : NoFilter,
                NoNetwork = before.NoNetwork is null ? null : NoNetwork,
            };

    /// <summary>The reason that something is missing which an earlier trial found; null when nothing is, or when the
    /// machine has lost its route only.</summary>
    public Fault? Lost(Abilities before) =>
        before.NoNamespace is null && NoNamespace is not null ? NoNamespace
        : before.NoUser is null && NoUser is not null ? NoUser
        : before.NoFilter is null && NoFilter is not null ? NoFilter
        : before.NoNetwork is null && NoNetwork != Networks.NoRoute ? NoNetwork
        : null;
}

/// <summary>Keeps the abilities that the trials of one runtime find while this host runs.</summary>
/// <param name="assumed">The abilities before the first trial.</param>
internal sealed class FoundAbilities<T>(T assumed)
    where T : Abilities
{
    private volatile T last = assumed;

    // All that any trial of this host found.
    private Abilities? best;

    /// <summary>The result of the last successful trial.</summary>
    public T Last => last;

    /// <summary>Keeps the result of a trial, unless it lacks an ability that an earlier trial found: a machine does not
    /// lose an ability while Hive runs, and an agent that uses up a limit can look like that.</summary>
    /// <returns>Why the result is not kept; null when it is.</returns>
    public Fault? Keep(T can)
    {
        if (best is { } before && can.Lost(before) is { } lost)
            return Networks.NotNow(lost);
        (last, best) = (can, can.Or(best));
        return null;
    }
}
