namespace Hive.Protocol;

/// <summary>An open session of the dashboard.</summary>
/// <param name="Id">12 hexadecimal digits. It is not secret, and opens nothing.</param>
/// <param name="OpenedAt">When its page signed in.</param>
/// <param name="LastUsedAt">Its last use, at most five minutes too early.</param>
/// <param name="ExpiresAt">When it ends unless it is used again.</param>
/// <param name="Current">True for the session that asks.</param>
/// <param name="Address">Where its page signed in from; behind a proxy, the proxy's address.</param>
/// <param name="Client">The browser and system that the page claimed, such as <c>Firefox on Linux</c>.</param>
public sealed record SessionView(
    string Id,
    DateTimeOffset OpenedAt,
    DateTimeOffset LastUsedAt,
    DateTimeOffset ExpiresAt,
    bool Current,
    string? Address = null,
    string? Client = null
);
