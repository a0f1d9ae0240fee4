namespace Hive.Features.Containers;

/// <summary>What programs need of the host's <c>/etc</c> to look up names and trust certificates, where a container has the host's <c>/usr</c>. Never a whole folder that may hold private keys.</summary>
internal static class HostEtc
{
    public static IReadOnlyList<string> Paths { get; } =
    [
        "/etc/resolv.conf", "/etc/hosts", "/etc/nsswitch.conf", "/etc/ssl/certs", "/etc/ssl/openssl.cnf", "/etc/ca-certificates", "/etc/pki/tls/certs", "/etc/pki/ca-trust",
        "/etc/alternatives", "/etc/localtime", "/etc/passwd", "/etc/group", "/etc/ld.so.cache",
    ];

    /// <summary>Those that this host has.</summary>
    public static IEnumerable<string> There => Paths.Where(Path.Exists);
}
