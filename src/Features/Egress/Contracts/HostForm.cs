using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;

namespace Hive.Features.Egress.Contracts;

/// <summary>Reads host names and addresses in their one canonical form, so that a rule and a connection mean the same
/// host.</summary>
internal static partial class HostForm
{
    /// <summary>The canonical form: a name in lower case without the final dot, or an address; null for anything
    /// else. Addresses in decimal, octal, hexadecimal or shortened forms are refused, since programs read them
    /// differently.</summary>
    /// <param name="text">A name, an IPv4 address, or an IPv6 address in brackets or without.</param>
    public static string? Canonical(string text)
    {
        var bare = text is ['[', .. var inner, ']'] ? inner : text;
        if (bare.Contains(':', StringComparison.Ordinal))
            return
                !bare.Contains('%', StringComparison.Ordinal)
                && IPAddress.TryParse(bare, out var address)
                && address.AddressFamily == AddressFamily.InterNetworkV6
                ? AddressRules.Plain(address).ToString()
                : null;
        if (bare != text)
            return null;
        var name = (text.EndsWith('.') ? text[..^1] : text).ToLowerInvariant();
        if (!Name().IsMatch(name))
            return null;
        // A name whose last label is a number is an address in every parser of URLs (WHATWG URL, 3.5).
        return Number().IsMatch(name) && !Address().IsMatch(name) ? null : name;
    }

    /// <summary>Splits a host and its port; the port is null when there is none, and -1 when it is not a
    /// port.</summary>
    public static (string Host, int? Port) Split(string text)
    {
        var colon = text.LastIndexOf(':');
        // An address of IPv6 without brackets has no port.
        if (colon < 0 || text.EndsWith(']') || (text[0] != '[' && text.IndexOf(':') != colon))
            return (text, null);
        return (text[..colon], PortForm().IsMatch(text[(colon + 1)..]) ? PortOf(text[(colon + 1)..]) : -1);
    }

    /// <summary>A canonical host and its port, as they are written in a URL.</summary>
    public static string Join(string host, int port) =>
        string.Create(
            System.Globalization.CultureInfo.InvariantCulture,
            $"{(host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host)}:{port}"
        );

    private static int PortOf(string digits) =>
        int.Parse(digits, System.Globalization.CultureInfo.InvariantCulture) is var port and <= 65535 ? port : -1;

    // Labels of RFC 1123, and '_' as some services use it.
    [GeneratedRegex(
        @"\A(?=.{1,253}\z)[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]{0,61}[a-z0-9_])?)*\z"
    )]
    private static partial Regex Name();

    [GeneratedRegex(@"(\A|\.)([0-9]+|0x[0-9a-f]*)\z")]
    private static partial Regex Number();

    [GeneratedRegex(@"\A((25[0-5]|2[0-4][0-9]|1[0-9]{2}|[1-9]?[0-9])(\.(?!\z)|\z)){4}\z")]
    private static partial Regex Address();

    [GeneratedRegex(@"\A[1-9][0-9]{0,4}\z")]
    private static partial Regex PortForm();
}
