using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Reconciles the forge with local state now: accounts, tokens, organisations and repositories. Failed work is
/// retried without its pause.</summary>
internal static class SyncForge
{
    internal sealed record Command : IRequest<Accepted>;

    internal sealed class Handler(ForgeQueue queue, ForgeStatus status) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            RequireOn(status);
            _ = queue.Sweep();
            return Task.FromResult(Accepted.Instance);
        }
    }

    /// <summary>Throws when there is no forge.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the reason.</exception>
    public static void RequireOn(ForgeStatus status)
    {
        if (status.View is { State: ForgeState.Off } view)
            throw Problem.Conflict($"the forge is off: {view.Note}");
    }
}
