using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Audit.Contracts;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Signs a page out: its session key stops working.</summary>
internal static class EndSession
{
    internal sealed record Command : IRequest<Done>;

    internal sealed class Handler(IStore store, OperatorKeys keys, Visitor visitor, IAudit audit)
        : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var (origin, session) = visitor.Current();
            // The access token has no session.
            return session is null
                ? Task.FromResult(Done.Instance)
                : store.Write(
                    write =>
                    {
                        if (keys.End(write, session))
                            audit.Add(write, AuditKind.Logout, origin, OperatorKeys.Short(session));
                        return Done.Instance;
                    },
                    CancellationToken.None
                );
        }
    }
}
