using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;

namespace Hive.Common.Doors;

/// <summary>
/// Counts refusals of access at all doors. Counts wait in memory for the audit: by kind and address before the key, by
/// key and route after it, by agent and command at sockets, each within a minute. How many there are of a minute is
/// limited, so that a flood can neither take memory nor the writer, and no agent the place of another's.
/// </summary>
public sealed class Refusals(TimeProvider clock)
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

    /// <summary>The access token, over a network address.</summary>
    public const string FarToken = "far_token";

    /// <summary>A request for a host name that is not this host's.</summary>
    public const string Host = "foreign_host";

    /// <summary>A request by the page of another site.</summary>
    public const string Origin = "foreign_origin";

    /// <summary>A request with a key that was answered with 403.</summary>
    public const string Request = "forbidden_request";

    /// <summary>A command at a socket that was answered with <c>forbidden</c>, or that another door or duty
    /// has.</summary>
    public const string Command = "forbidden_command";

    /// <summary>The actor at the host socket.</summary>
    public const string HostSocket = "host socket";

    // Of a minute; further ones are counted together. An hour has fewer rows than the audit keeps.
    private const int MostAddresses = 64;
    private const int MostRoutes = 64;
    private const int MostCommands = 8;

    private readonly Lock gate = new();
    private readonly Dictionary<(Place Place, long Minute), Counted> counted = [];
    private readonly Dictionary<(string Kind, string? Actor), HashSet<Place>> named = [];
    private long minuteOfNamed;

    /// <summary>The kinds of what is counted.</summary>
    public static IReadOnlyList<string> Kinds { get; } =
    [Key, Proof, Code, Signature, NoKey, FarToken, Host, Origin, Request, Command];

    /// <summary>Rings when something was counted.</summary>
    public Bell Noted { get; } = new();

    /// <summary>Counts a request that was refused before its key.</summary>
    public void Note(string kind, HttpContext http) =>
        Note(
            new Place(kind, null, AddressOf(http), null),
            ("", null),
            MostAddresses,
            new Place(kind, null, null, null)
        );

    /// <summary>Counts a request with a key that may not do what it asks.</summary>
    /// <param name="http">The request.</param>
    /// <param name="actor">The session, or <c>access token</c>; null when the key has ended since.</param>
    public void NoteForbidden(HttpContext http, string? actor) =>
        Note(
            new Place(
                Request,
                actor,
                AddressOf(http),
                // The route as it is declared: addresses with their ids have no limit.
                $"{http.Request.Method} {(http.GetEndpoint() as RouteEndpoint)?.RoutePattern.RawText}"
            ),
            (Request, null),
            MostRoutes,
            new Place(Request, null, null, null)
        );

    /// <summary>Counts a command that the owner of a socket may not use.</summary>
    /// <param name="actor">The agent, or <see cref="HostSocket"/>.</param>
    /// <param name="command">A command of Hive.</param>
    public void NoteForbidden(string actor, string command) =>
        Note(
            new Place(Command, actor, null, command),
            (Command, actor),
            MostCommands,
            new Place(Command, actor, null, null)
        );

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
        http.Connection.RemoteIpAddress is { } address
            ? (address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address).ToString()
            : null;

    private void Note(Place place, (string Kind, string? Actor) group, int most, Place rest)
    {
        lock (gate)
        {
            var now = clock.GetUtcNow();
            var minute = now.ToUnixTimeSeconds() / 60;
            if (minute != minuteOfNamed)
            {
                named.Clear();
                minuteOfNamed = minute;
            }

            if (!named.TryGetValue(group, out var places))
                named.Add(group, places = []);
            if (!places.Contains(place) && (places.Count >= most || !places.Add(place)))
                place = rest;
            var before = counted.GetValueOrDefault((place, minute));
            counted[(place, minute)] = new Counted(
                place,
                minute,
                (before?.Count ?? 0) + 1,
                before?.FirstAt ?? now,
                now
            );
        }

        Noted.Ring();
    }

    /// <summary>The parts in which the refusals of one entry agree.</summary>
    /// <param name="Kind">One of <see cref="Kinds"/>.</param>
    /// <param name="Actor">The key's name or the agent; null before the key, and for what is counted together.</param>
    /// <param name="Address">Null at sockets, and for what is counted together.</param>
    /// <param name="Detail">The route or the command; null before the key, and for what is counted together.</param>
    public readonly record struct Place(string Kind, string? Actor, string? Address, string? Detail);

    /// <summary>Refusals of one place and minute.</summary>
    /// <param name="Place">The place.</param>
    /// <param name="Minute">Minutes since 1970.</param>
    /// <param name="Count">How many.</param>
    /// <param name="FirstAt">The first of them.</param>
    /// <param name="LastAt">The last of them.</param>
    public sealed record Counted(Place Place, long Minute, long Count, DateTimeOffset FirstAt, DateTimeOffset LastAt);
}
