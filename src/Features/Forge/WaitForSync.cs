using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Looks at everything on the forge as <see cref="SyncForge"/> does, and answers when that is done, with what
/// came of it.</summary>
internal static class WaitForSync
{
    internal sealed record Command : IRequest<Result>, IWaitingRequest;

    internal sealed record Result(ForgeView Forge);

    internal sealed class Handler(ForgeQueue queue, ForgeStatus status) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            // A container that has come since is found by it.
            await queue.Sweep().WaitAsync(cancellationToken);
            SyncForge.MustBeOn(status);
            return new Result(status.View);
        }
    }
}
