using System.ComponentModel;
using System.Globalization;
using System.Net;
using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Protocol.Options;

namespace Hive.Runtimes.Local;

/// <summary>
/// Connects a network namespace to the outside with pasta(1): a program in it reaches what the machine reaches, but
/// neither the machine's loopback nor its abstract sockets, and what it listens on is its own. Two ports of the
/// loopback are passed on where they are needed: the forge's and the resolver's.
/// </summary>
internal sealed class Pasta(HiveOptions options)
{
    private const string Program = "pasta";
    private const int DnsPort = 53;
    private const string Upstream = "/run/systemd/resolve/resolv.conf";

    /// <summary>The file that a container gets as <c>/etc/resolv.conf</c>.</summary>
    public static string ResolverFile =>
        NeedsForward(HostEtc.Resolver) && HasServers(Upstream) ? Upstream : HostEtc.Resolver;

    /// <summary>The beginning of the command line that runs a command with a network of its own. It ends with the
    /// command, and with its exit code; the command runs as user 0 of a user namespace.</summary>
    public IReadOnlyList<string> Command()
    {
        var forge =
            options.Forge.Url is { } url && new Uri(url) is { IsLoopback: true } address
                ? address.Port.ToString(CultureInfo.InvariantCulture)
                : null;
        var dns = CanForward(ResolverFile) ? DnsPort.ToString(CultureInfo.InvariantCulture) : null;
        return
        [
            // pasta refuses to start where SIGPIPE is ignored, as every child of .NET inherits it.
            "env",
            "--default-signal=PIPE",
            Program,
            "--foreground",
            "--quiet",
            "--config-net",
            "--no-map-gw",
            "-t",
            "none",
            "-u",
            "none",
            "-T",
            Ports(forge, dns),
            "-U",
            Ports(dns),
        ];
    }

    /// <summary>The fault of a machine without the program of <see cref="As"/>.</summary>
    public static Fault NoSetPriv { get; } = new("setpriv is not installed", "on Debian: apt-get install util-linux");

    /// <inheritdoc cref="Networks.Weakness"/>
    public static string? Weakness(NetworkAccess network, Fault? fault) =>
        Networks.Weakness(network, fault) ?? (network == NetworkAccess.Outbound ? NamesWeakness : null);

    private static string? NamesWeakness =>
        NeedsForward(ResolverFile) && !CanForward(ResolverFile)
            ? $"it cannot look up names: the resolver of {ResolverFile} is at {Servers(ResolverFile)[0]}, and pasta "
                + $"reaches only 127.0.0.1 and ::1; name another one there, or set 'network: host'"
            : null;

    /// <summary>Why it does not work on this machine; null when it does.</summary>
    /// <param name="user">The user as which it runs; null for Hive's own.</param>
    /// <exception cref="TimeoutException">The machine is too busy to tell.</exception>
    /// <exception cref="IOException">It lacks something for the moment.</exception>
    /// <exception cref="Win32Exception">It does not start, for the moment.</exception>
    public async Task<Fault?> FindFault(uint? user)
    {
        var isThere = false;
        try
        {
            // Only to notice that it is missing, which the programs that start it below would hide.
            await Trial.Run([Program, "--version"], CancellationToken.None);
            isThere = true;
            string[] command = [.. user is { } id ? As(id) : [], .. Command(), "--", "true"];
            var trial = new Launch(command, Launch.PathAlone, "/")
            {
                View = user is { } other ? new MappedFolders(other, []) : null,
            };
            var (code, error) = await Trial.Run(trial);
            return code == 0 ? null
                : Trial.MayPass(error) ? throw new IOException($"{Program} ended with {code} ({Last(error)})")
                : !HasRoute() ? Networks.NoRoute
                : new Fault(
                    $"{Program} ended with {code}{(error.Length > 0 ? $" ({Last(error)})" : "")}",
                    "it needs /dev/net/tun and a route to the outside"
                );
        }
        catch (Win32Exception e) when (isThere && Trial.IsMissing(e))
        {
            return NoSetPriv;
        }
        catch (Win32Exception e) when (Trial.IsMissing(e))
        {
            return new Fault($"{Program} is not installed", "on Debian: apt-get install passt");
        }
        catch (IOException e) when (MappedFolders.IsRefusal(e))
        {
            return new Fault(e.Message);
        }
    }

    /// <summary>The beginning of the command line that runs a command as another user.</summary>
    public static IReadOnlyList<string> As(uint user) =>
        ["setpriv", $"--reuid={user}", $"--regid={user}", "--clear-groups", "--inh-caps=-all"];

    private static string Last(string text) => text.Split('\n', StringSplitOptions.TrimEntries)[^1];

    private static string Ports(params string?[] ports) =>
        string.Join(',', ports.OfType<string>().Distinct()) is { Length: > 0 } some ? some : "none";

    // proc_net(5): Destination and Mask; ipv6_route names the route that refuses everything as one of lo.
    private static bool HasRoute() =>
        Words("/proc/net/route").Any(w => w is [_, "00000000", _, _, _, _, _, "00000000", ..])
        || Words("/proc/net/ipv6_route")
            .Any(w => w.Length == 10 && w[0].All(c => c == '0') && w[1] == "00" && w[9] != "lo");

    private static IEnumerable<string[]> Words(string file)
    {
        try
        {
            return
            [
                .. File.ReadAllLines(file)
                    .Select(line => line.Split([' ', '\t'], StringSplitOptions.RemoveEmptyEntries)),
            ];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    // A resolver on the loopback is out of reach.
    private static bool NeedsForward(string file) => !HasServers(file) && Servers(file).Length > 0;

    // pasta passes a port on to these two addresses alone.
    private static bool CanForward(string file) =>
        NeedsForward(file) && Servers(file).Any(s => s.Equals(IPAddress.Loopback) || s.Equals(IPAddress.IPv6Loopback));

    private static bool HasServers(string file) => Servers(file).Any(s => !IPAddress.IsLoopback(s));

    private static IPAddress[] Servers(string file) =>
        [
            .. Words(file)
                .Where(words => words is ["nameserver", _, ..])
                .Select(words => IPAddress.TryParse(words[1], out var address) ? address : null)
                .OfType<IPAddress>(),
        ];
}
