using Hive.Common.Errors;

namespace Hive.Runtimes.Local;

/// <summary>The abilities of systemd-nspawn on this machine.</summary>
/// <param name="NoUser">Why an agent is the machine's root; null when it is not.</param>
/// <param name="NoFilter">Why its system calls are filtered by systemd's own list; null when they are not.</param>
/// <param name="NoNetwork">Why an agent has no network of its own; null when it has.</param>
internal sealed record NspawnAbilities(Fault? NoUser, Fault? NoFilter, Fault? NoNetwork)
    : Abilities(null, NoUser, NoFilter, NoNetwork)
{
    /// <summary>The rights that an agent keeps, for a person.</summary>
    public IEnumerable<string> Weaknesses =>
        new[]
        {
            NoUser is { } user ? $"it is the machine's root, without capabilities: {user}" : null,
            NoFilter is { } filter ? $"it can create user namespaces and vsock sockets: {filter}" : null,
        }.OfType<string>();

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
