using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Reconciles the forge as <see cref="SyncForge"/> does, and returns the result when that is done.</summary>
internal static class WaitForSync
{
    internal sealed record Command : IRequest<Result>, IWaitingRequest;

    internal sealed record Result(ForgeView Forge);

    internal sealed class Handler(ForgeQueue queue, ForgeStatus status) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            // Checked after the sweep, which may find a forge.
            await queue.Sweep().WaitAsync(cancellationToken);
            SyncForge.RequireOn(status);
            return new Result(status.View);
        }
    }
}
