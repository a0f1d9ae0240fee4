using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;
using Microsoft.AspNetCore.Http;

namespace Hive.Features.Dashboard;

/// <summary>Signs a page out: its session key stops working.</summary>
internal static class EndSession
{
    internal sealed record Command : IRequest<Done>;

    internal sealed class Handler(IStore store, OperatorKeys keys, IHttpContextAccessor http)
        : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            var key = Gatekeeper.KeyOf(http.HttpContext!.Request)!;
            return store.Write(
                write =>
                {
                    keys.End(write, key);
                    return Done.Instance;
                },
                CancellationToken.None
            );
        }
    }
}
