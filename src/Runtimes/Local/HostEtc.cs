namespace Hive.Runtimes.Local;

/// <summary>Lists the parts of the host's <c>/etc</c> that programs need to look up names and to trust certificates.
/// Never a whole folder that may hold private keys.</summary>
internal static class HostEtc
{
    /// <summary>The servers that look up names.</summary>
    public const string Resolver = "/etc/resolv.conf";

    /// <summary>The settings of the host's network and trust, for a container with any root.</summary>
    public static IReadOnlyList<string> OfAnyRoot { get; } =
    [
        Resolver,
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        "/etc/ca-certificates",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust",
        "/etc/localtime",
    ];

    /// <summary>The same and the settings of the programs in the host's <c>/usr</c>, for a container that has
    /// it.</summary>
    public static IReadOnlyList<string> Paths { get; } =
    [.. OfAnyRoot, "/etc/alternatives", "/etc/os-release", "/etc/passwd", "/etc/group", "/etc/ld.so.cache"];
}
