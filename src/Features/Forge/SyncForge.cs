using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Looks at everything on the forge now: accounts, tokens, organisations and repositories. What failed is
/// tried again without its pause.</summary>
internal static class SyncForge
{
    internal sealed record Command : IRequest<Accepted>;

    internal sealed class Handler(ForgeQueue queue, ForgeStatus status) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            MustBeOn(status);
            _ = queue.Sweep();
            return Task.FromResult(Accepted.Instance);
        }
    }

    /// <summary>Refuses where there is no forge.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the reason.</exception>
    public static void MustBeOn(ForgeStatus status)
    {
        if (status.View is { State: ForgeState.Off } view)
            throw Problem.Conflict($"the forge is off: {view.Note}");
    }
}
