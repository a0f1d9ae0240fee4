using Hive.Common.Doors;
using Hive.Common.Storage;

namespace Hive.Features.Audit.Contracts;

/// <summary>Records logins, the ends of sessions and rotations. No entry holds a key, a code or the token.</summary>
internal interface IAudit
{
    /// <summary>Adds an entry, as part of the write that it is about.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="kind">One of <see cref="AuditKind"/>.</param>
    /// <param name="origin">Who did it, and from where.</param>
    /// <param name="subject">The id of the session that it is about.</param>
    /// <param name="detail">More about it, in a few words.</param>
    /// <param name="at">When it happened; now, if null.</param>
    void Add(
        IWrite write,
        string kind,
        AuditOrigin origin,
        string? subject = null,
        string? detail = null,
        DateTimeOffset? at = null
    );
}

/// <summary>The actor of something, and its address.</summary>
/// <param name="Actor">Such as <c>host socket</c> or a session's id.</param>
/// <param name="Address">The address; null at the host socket.</param>
internal sealed record AuditOrigin(string Actor, string? Address);

/// <summary>The kinds of entries.</summary>
internal static class AuditKind
{
    public const string Login = "login";
    public const string Logout = "logout";
    public const string SessionEnded = "session_ended";
    public const string TokenRotated = "token_rotated";

    /// <summary>Every kind, also those of refusals.</summary>
    public static IReadOnlyList<string> All { get; } = [Login, Logout, SessionEnded, TokenRotated, .. Refusals.Kinds];
}
