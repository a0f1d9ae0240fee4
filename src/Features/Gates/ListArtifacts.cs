using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists a ticket's artifacts, the newest first.</summary>
internal static class ListArtifacts
{
    /// <param name="Ticket">The ticket.</param>
    /// <param name="PhaseId">Only those of a phase.</param>
    /// <param name="Limit">The most; 1 to 200.</param>
    /// <param name="Before">Only those with a lower id.</param>
    internal sealed record Query(long Ticket, string? PhaseId = null, int Limit = 200, long? Before = null)
        : IRequest<IReadOnlyList<Artifact>>;

    internal sealed class Handler(IStore store, GateReader reader) : IRequestHandler<Query, IReadOnlyList<Artifact>>
    {
        public Task<IReadOnlyList<Artifact>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    ArtifactTable.Of(
                        db,
                        reader.Require(db, request.Ticket).Id,
                        request.PhaseId,
                        request.Before,
                        Math.Clamp(request.Limit, 1, 200)
                    ),
                cancellationToken
            );
    }
}
