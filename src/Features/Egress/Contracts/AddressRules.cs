using System.Net;
using System.Net.Sockets;

namespace Hive.Features.Egress.Contracts;

/// <summary>Tells public addresses from all others, by the registries of special addresses of the IANA.</summary>
internal static class AddressRules
{
    // https://www.iana.org/assignments/iana-ipv4-special-registry and RFC 5771, RFC 1112.
    private static readonly (IPNetwork Range, string Kind)[] Special4 =
    [
        (IPNetwork.Parse("127.0.0.0/8"), "a loopback address"),
        (IPNetwork.Parse("169.254.0.0/16"), "a link-local address"),
        (IPNetwork.Parse("10.0.0.0/8"), "a private address"),
        (IPNetwork.Parse("172.16.0.0/12"), "a private address"),
        (IPNetwork.Parse("192.168.0.0/16"), "a private address"),
        (IPNetwork.Parse("100.64.0.0/10"), "an address of a provider's own network"),
        (IPNetwork.Parse("224.0.0.0/4"), "a multicast address"),
        (IPNetwork.Parse("0.0.0.0/8"), "a reserved address"),
        (IPNetwork.Parse("192.0.0.0/24"), "a reserved address"),
        (IPNetwork.Parse("192.0.2.0/24"), "a reserved address"),
        (IPNetwork.Parse("192.88.99.0/24"), "a reserved address"),
        (IPNetwork.Parse("198.18.0.0/15"), "a reserved address"),
        (IPNetwork.Parse("198.51.100.0/24"), "a reserved address"),
        (IPNetwork.Parse("203.0.113.0/24"), "a reserved address"),
        (IPNetwork.Parse("240.0.0.0/4"), "a reserved address"),
    ];

    // https://www.iana.org/assignments/iana-ipv6-special-registry; the ranges within 2000::/3.
    private static readonly (IPNetwork Range, string Kind)[] Special6 =
    [
        (IPNetwork.Parse("::1/128"), "a loopback address"),
        (IPNetwork.Parse("fe80::/10"), "a link-local address"),
        (IPNetwork.Parse("fc00::/7"), "a private address"),
        (IPNetwork.Parse("fec0::/10"), "a private address"),
        (IPNetwork.Parse("ff00::/8"), "a multicast address"),
        (IPNetwork.Parse("2001::/23"), "a reserved address"),
        (IPNetwork.Parse("2001:db8::/32"), "a reserved address"),
        (IPNetwork.Parse("2002::/16"), "a reserved address"),
        (IPNetwork.Parse("3fff::/20"), "a reserved address"),
    ];

    private static readonly IPNetwork Global = IPNetwork.Parse("2000::/3");

    // RFC 6052: the last 32 bits are an address of IPv4.
    private static readonly IPNetwork Nat64 = IPNetwork.Parse("64:ff9b::/96");

    /// <summary>The kind of an address that is not public, in words; null for a public one.</summary>
    public static string? SpecialKind(IPAddress address)
    {
        address = Plain(address);
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return KindIn(Special4, address);
        if (Nat64.Contains(address))
            return SpecialKind(new IPAddress(address.GetAddressBytes()[12..]));
        return KindIn(Special6, address) ?? (Global.Contains(address) ? null : "a reserved address");
    }

    /// <summary>The address of IPv4 in a mapped one, otherwise the address itself.</summary>
    public static IPAddress Plain(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private static string? KindIn((IPNetwork Range, string Kind)[] ranges, IPAddress address) =>
        ranges.FirstOrDefault(r => r.Range.Contains(address)).Kind;
}
