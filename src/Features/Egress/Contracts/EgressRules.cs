using System.Globalization;
using System.Net;

namespace Hive.Features.Egress.Contracts;

/// <summary>The hosts that an agent may connect to.</summary>
/// <param name="entries">The entries of the list; none twice.</param>
internal sealed class EgressRules(IEnumerable<EgressEntry> entries)
{
    private readonly Dictionary<(string Pattern, int? Port), EgressEntry> entries = entries.ToDictionary(e =>
        (e.Pattern, e.Port)
    );

    /// <summary>Finds the entry that allows a connection; null when none does.</summary>
    /// <param name="host">In its canonical form.</param>
    /// <param name="port">The port.</param>
    public EgressEntry? Find(string host, int port) =>
        Patterns(host)
            .Select(pattern =>
                entries.GetValueOrDefault((pattern, port))
                ?? (port is 80 or 443 ? entries.GetValueOrDefault((pattern, null)) : null)
            )
            .FirstOrDefault(entry => entry is not null);

    /// <summary>True when the host is listed, with any port.</summary>
    public bool HasHost(string host) => Patterns(host).Any(pattern => entries.Keys.Any(key => key.Pattern == pattern));

    // The name itself, then "*." and each of its parents.
    private static IEnumerable<string> Patterns(string host)
    {
        yield return host;
        if (IPAddress.TryParse(host, out _))
            yield break;
        for (var dot = host.IndexOf('.'); dot >= 0; dot = host.IndexOf('.', dot + 1))
            yield return $"*{host[dot..]}";
    }
}

/// <summary>One entry of an agent's list.</summary>
/// <param name="Pattern">A canonical name or address, or <c>*.</c> and a name for all names below it.</param>
/// <param name="Port">The only port; null for 80 and 443.</param>
/// <param name="MayBePrivate">The host may have an address that is not public.</param>
internal sealed record EgressEntry(string Pattern, int? Port, bool MayBePrivate)
{
    /// <summary>The name under which an agent with a list reaches the loopback of the machine.</summary>
    public const string Machine = "host.hive.internal";

    /// <summary>Reads an entry such as <c>api.example.org</c>, <c>*.example.org</c> or
    /// <c>api.example.org:8443</c>.</summary>
    /// <param name="text">The entry as it is written.</param>
    /// <param name="mayBePrivate">It is in the list of hosts that may be private.</param>
    /// <param name="entry">The entry; null when it is faulty.</param>
    /// <returns>What is wrong with it; null when nothing is.</returns>
    public static string? Read(string text, bool mayBePrivate, out EgressEntry? entry)
    {
        entry = null;
        if (text.Contains("://", StringComparison.Ordinal))
            return "is a URL; write the host of it, such as api.example.org or api.example.org:8443";
        if (text is "*")
            return "would allow every host; write 'network: outbound' for that, or name the hosts";
        if (!text.All(char.IsAscii))
            return InAscii(text) is { } ascii ? $"is not in ASCII; write {ascii}" : NotName;
        var (host, port) = HostForm.Split(text);
        if (port == -1)
            return "has an invalid port; write a number from 1 to 65535";
        var wild = host.StartsWith("*.", StringComparison.Ordinal);
        if (HostForm.Canonical(wild ? host[2..] : host) is not { } name || (wild && IPAddress.TryParse(name, out _)))
            return NotName;
        if (wild && !name.Contains('.', StringComparison.Ordinal))
            return $"covers too much; name two labels after '*.', such as *.example.{name}";
        if (name == "localhost" || name.EndsWith(".localhost", StringComparison.Ordinal))
            return $"is the agent's own loopback, which needs no list; the machine's is '{Machine}', under 'private'";
        if (!mayBePrivate && KindOf(name) is { } kind)
            return $"is {kind}; list it under 'private'";
        entry = new EgressEntry(wild ? $"*.{name}" : name, port, mayBePrivate);
        return null;
    }

    private const string NotName =
        "is not a host; write a name, '*.' and a name, or an address, and a port where it is not 80 or 443: "
        + "api.example.org, *.example.org, api.example.org:8443";

    private static string? KindOf(string host) =>
        host == Machine ? "the machine's loopback"
        : IPAddress.TryParse(host, out var address) ? AddressRules.SpecialKind(address)
        : null;

    private static string? InAscii(string text)
    {
        try
        {
            return new IdnMapping().GetAscii(text) is var ascii && HostForm.Canonical(ascii) is not null ? ascii : null;
        }
        catch (ArgumentException)
        {
            return null;
        }
    }
}
