namespace Hive.Protocol;

/// <summary>One row of the audit: a login, the end of a session, a rotation, or refusals within a minute that have all
/// but their time in common.</summary>
/// <param name="Id">The row.</param>
/// <param name="Kind"><c>login</c>, <c>logout</c>, <c>session_ended</c>, <c>token_rotated</c>, <c>wrong_key</c>,
/// <c>unknown_key</c>, <c>wrong_code</c>, <c>wrong_signature</c>, <c>no_key</c>, <c>far_token</c>,
/// <c>foreign_host</c>, <c>foreign_origin</c>, <c>forbidden_request</c> or <c>forbidden_command</c>.</param>
/// <param name="Count">How often it happened.</param>
/// <param name="FirstAt">When it happened first.</param>
/// <param name="LastAt">When it happened last.</param>
/// <param name="Actor">Who did it: <c>login link</c>, <c>access token</c>, <c>host socket</c>, a session or an
/// agent.</param>
/// <param name="Subject">The session that it is about.</param>
/// <param name="Address">Where it came from; absent at sockets, and for refusals that were counted
/// together.</param>
/// <param name="Detail">More about it, such as the browser, the route or the command.</param>
public sealed record AuditEntry(
    long Id,
    string Kind,
    long Count,
    DateTimeOffset FirstAt,
    DateTimeOffset LastAt,
    string? Actor = null,
    string? Subject = null,
    string? Address = null,
    string? Detail = null
);
