using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Audit.Contracts;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Dashboard;

/// <summary>Tells which of the operator's keys the current request came with.</summary>
internal sealed class Visitor(IHttpContextAccessor http, OperatorKeys keys)
{
    private static readonly AuditOrigin HostSocket = new(Refusals.HostSocket, null);

    /// <summary>The origin of the request for the audit, and the id of its session; null without one.</summary>
    /// <exception cref="Problem">The key stopped working after the request came in.</exception>
    public (AuditOrigin Origin, string? Session) Current()
    {
        if (http.HttpContext is not { } context || Gatekeeper.KeyOf(context.Request) is not { } key)
            return (HostSocket, null);
        if (keys.NameOf(key) is not { } actor)
            throw Problem.Forbidden("the session ended, or the access token was replaced; sign in again");
        return (new AuditOrigin(actor, Refusals.AddressOf(context)), keys.SessionOf(key));
    }
}
