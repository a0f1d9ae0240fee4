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

    internal sealed class Handler(ForgeWorker worker, ForgeStanding standing) : IRequestHandler<Command, Accepted>
    {
        public Task<Accepted> Handle(Command command, CancellationToken cancellationToken)
        {
            MustBeOn(standing);
            _ = worker.Sweep();
            return Task.FromResult(Accepted.Instance);
        }
    }

    /// <summary>Refuses where there is no forge.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the reason.</exception>
    public static void MustBeOn(ForgeStanding standing)
    {
        if (standing.View is { State: ForgeState.Off } view)
            throw Problem.Conflict($"the forge is off: {view.Note}");
    }
}
