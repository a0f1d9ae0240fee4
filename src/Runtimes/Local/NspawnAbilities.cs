using Hive.Common.Errors;

namespace Hive.Runtimes.Local;

/// <summary>The abilities of systemd-nspawn on this machine.</summary>
/// <param name="NoUser">Why an agent is the machine's root; null when it is not.</param>
/// <param name="NoNetwork">Why an agent has no network of its own; null when it has.</param>
/// <param name="NoFilter">Why its system calls are filtered by systemd's own list; null when they are not.</param>
internal sealed record NspawnAbilities(Fault? NoUser, Fault? NoNetwork, Fault? NoFilter)
{
    /// <summary>It can do everything.</summary>
    public bool IsComplete => this is { NoUser: null, NoNetwork: null, NoFilter: null };

    /// <summary>The rights that an agent keeps, for a person.</summary>
    public IEnumerable<string> Weaknesses =>
        new[]
        {
            NoUser is { } user ? $"it is the machine's root, without capabilities: {user}" : null,
            NoFilter is { } filter ? $"it can create user namespaces and vsock sockets: {filter}" : null,
        }.OfType<string>();

    /// <summary>The abilities that this or an earlier trial found.</summary>
    public NspawnAbilities Or(NspawnAbilities? before) =>
        before is null
            ? this
            : new(
                before.NoUser is null ? null : NoUser,
                before.NoNetwork is null ? null : NoNetwork,
                before.NoFilter is null ? null : NoFilter
            );

    /// <summary>The reason that something is missing which an earlier trial found; null when nothing is, or when the
    /// machine has lost its route only.</summary>
    public Fault? Lost(NspawnAbilities before) =>
        before.NoUser is null && NoUser is not null ? NoUser
        : before.NoFilter is null && NoFilter is not null ? NoFilter
        : before.NoNetwork is null && NoNetwork != Networks.NoRoute ? NoNetwork
        : null;

    /// <summary>The abilities to try, one after another: all first, then without what may be at fault, which is the
    /// network, the filter, or the user. Each takes the error of the one before it.</summary>
    public IEnumerable<Func<string, NspawnAbilities>> Lesser()
    {
        yield return _ => this;
        if (Networks.Given(NetworkAccess.Outbound, NoNetwork) != NetworkAccess.Host)
            yield return error => this with { NoNetwork = new Fault($"systemd-nspawn fails in one ({error})") };
        if (NoFilter is null)
            yield return error => this with { NoFilter = new Fault($"systemd-nspawn fails with a filter ({error})") };
        var bare = this with { NoFilter = NoFilter ?? new Fault("systemd-nspawn fails with a filter") };
        // Its network does not need what showing the files needs.
        yield return error => bare with { NoUser = new Fault($"it cannot show it the files of root ({error})") };
        yield return error =>
        {
            var fault = new Fault($"it cannot show it the files of root ({error})");
            return bare with { NoUser = fault, NoNetwork = fault };
        };
    }
}
