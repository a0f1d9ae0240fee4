using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Ends all sessions but the caller's own; at the host socket and with the access token, that is
/// all.</summary>
internal static class EndSessions
{
    internal sealed record Command : IRequest<Result>;

    internal sealed record Result(int Ended);

    internal sealed class Handler(OtherSessions others, Visitor visitor) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var (origin, own) = visitor.Current();
            return new Result(await others.End(origin, own));
        }
    }
}

/// <summary>Ends all sessions but one.</summary>
internal sealed class OtherSessions(IStore store, OperatorKeys keys, IAudit audit)
{
    // So that no step keeps the writer for long.
    private const int PerWrite = 50;

    /// <param name="origin">Who ends them.</param>
    /// <param name="own">The id of the session that stays; null to end all.</param>
    /// <returns>How many were ended.</returns>
    public async Task<int> End(AuditOrigin origin, string? own)
    {
        var ended = 0;
        foreach (var part in keys.Ids().Where(id => id != own).Chunk(PerWrite))
            ended += await store.Write(
                write =>
                {
                    var gone = part.Where(id => keys.End(write, id)).ToArray();
                    foreach (var id in gone)
                        audit.Add(write, AuditKind.SessionEnded, origin, OperatorKeys.Short(id));
                    return gone.Length;
                },
                CancellationToken.None
            );
        return ended;
    }
}
