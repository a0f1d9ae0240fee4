namespace Hive.Runtimes.Local;

/// <summary>What programs need of the host's <c>/etc</c> to look up names and trust certificates, where a container has
/// the host's <c>/usr</c>. Never a whole folder that may hold private keys.</summary>
internal static class HostEtc
{
    /// <summary>What the host's network and the host's trust are, whatever programs a container has.</summary>
    public static IReadOnlyList<string> OfAnyRoot { get; } =
    [
        "/etc/resolv.conf",
        "/etc/hosts",
        "/etc/nsswitch.conf",
        "/etc/ssl/certs",
        "/etc/ssl/openssl.cnf",
        "/etc/ca-certificates",
        "/etc/pki/tls/certs",
        "/etc/pki/ca-trust",
        "/etc/localtime",
    ];

    /// <summary>These and what belongs to the programs in the host's <c>/usr</c>.</summary>
    public static IReadOnlyList<string> Paths { get; } =
    [.. OfAnyRoot, "/etc/alternatives", "/etc/os-release", "/etc/passwd", "/etc/group", "/etc/ld.so.cache"];
}
