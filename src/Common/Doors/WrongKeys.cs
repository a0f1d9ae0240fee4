using System.Net;
using Microsoft.AspNetCore.Http;

namespace Hive.Common.Doors;

/// <summary>
/// Counts refusals at the HTTP door. Wrong keys and codes are limited: after 10 in a minute, each further one is
/// answered with a wait. A right key always opens, so that nobody can lock the operator out; the length of the keys
/// makes guessing hopeless. Counts wait in memory for the audit, by kind, address and minute.
/// </summary>
public sealed class WrongKeys(TimeProvider clock)
{
    /// <summary>A bearer key that opens nothing.</summary>
    public const string Key = "wrong_key";

    /// <summary>A page asked for a proof of a key that this host does not know, such as one of an ended
    /// session.</summary>
    public const string Proof = "unknown_key";

    /// <summary>A code that opens no session.</summary>
    public const string Code = "wrong_code";

    /// <summary>A signature that is not the forge's.</summary>
    public const string Signature = "wrong_signature";

    /// <summary>A request without a key for a route that needs one.</summary>
    public const string NoKey = "no_key";

    /// <summary>A request for a host name that is not this host's.</summary>
    public const string Host = "foreign_host";

    /// <summary>A request by the page of another site.</summary>
    public const string Origin = "foreign_origin";

    // Of all kinds in one minute; more addresses are counted together. An hour has fewer rows than the audit keeps.
    private const int MostAddresses = 64;
    private const int PerMinute = 10;

    private readonly Lock gate = new();
    private readonly Dictionary<(string Kind, string? Address, long Minute), Counted> counted = [];
    private readonly HashSet<(string Kind, string? Address)> addresses = [];
    private long minuteOfAddresses;
    private DateTimeOffset windowEnds;
    private int count;

    /// <summary>The kinds of what is counted.</summary>
    public static IReadOnlyList<string> Kinds { get; } = [Key, Proof, Code, Signature, NoKey, Host, Origin];

    /// <summary>Rings when something was counted.</summary>
    public Bell Noted { get; } = new();

    /// <summary>Counts one wrong key.</summary>
    /// <returns>True when there were too many; <paramref name="wait"/> says for how long.</returns>
    public bool TooMany(string kind, HttpContext http, out TimeSpan wait)
    {
        var now = clock.GetUtcNow();
        lock (gate)
        {
            Note(kind, AddressOf(http), now);
            if (now >= windowEnds)
                (windowEnds, count) = (now.AddMinutes(1), 0);
            wait = windowEnds - now;
            return ++count > PerMinute;
        }
    }

    /// <summary>Counts a refusal that no limit is about.</summary>
    public void Note(string kind, HttpContext http)
    {
        lock (gate)
            Note(kind, AddressOf(http), clock.GetUtcNow());
    }

    /// <summary>Takes what was counted since the last call.</summary>
    public IReadOnlyCollection<Counted> Take()
    {
        lock (gate)
        {
            Counted[] taken = [.. counted.Values];
            counted.Clear();
            return taken;
        }
    }

    /// <summary>The peer's address in its short form; behind a proxy, the proxy's.</summary>
    public static string? AddressOf(HttpContext http) =>
        http.Connection.RemoteIpAddress is { } address ? Short(address).ToString() : null;

    private static IPAddress Short(IPAddress address) => address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    private void Note(string kind, string? address, DateTimeOffset now)
    {
        var minute = now.ToUnixTimeSeconds() / 60;
        if (minute != minuteOfAddresses)
        {
            addresses.Clear();
            minuteOfAddresses = minute;
        }

        if (addresses.Count >= MostAddresses && !addresses.Contains((kind, address)))
            address = null;
        else
            addresses.Add((kind, address));
        var before = counted.GetValueOrDefault((kind, address, minute));
        counted[(kind, address, minute)] = new Counted(
            kind,
            address,
            minute,
            (before?.Count ?? 0) + 1,
            before?.FirstAt ?? now,
            now
        );
        Noted.Ring();
    }

    /// <summary>Wrong keys of one kind, address and minute.</summary>
    /// <param name="Kind">One of <see cref="Kinds"/>.</param>
    /// <param name="Address">Null for further addresses.</param>
    /// <param name="Minute">Minutes since 1970.</param>
    /// <param name="Count">How many.</param>
    /// <param name="FirstAt">The first of them.</param>
    /// <param name="LastAt">The last of them.</param>
    public sealed record Counted(
        string Kind,
        string? Address,
        long Minute,
        long Count,
        DateTimeOffset FirstAt,
        DateTimeOffset LastAt
    );
}
