using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows an artifact with its content for <c>/api/v1</c>.</summary>
internal static class ShowTicketArtifact
{
    /// <param name="Id">The artifact.</param>
    internal sealed record Query(long Id) : IRequest<TicketArtifact>;

    internal sealed class Handler(IStore store) : IRequestHandler<Query, TicketArtifact>
    {
        public Task<TicketArtifact> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => TicketArtifact.Of(ArtifactTable.Require(db, request.Id)), cancellationToken);
    }
}
