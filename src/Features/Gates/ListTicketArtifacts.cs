using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists a ticket's artifacts for <c>/api/v1</c>, the newest first.</summary>
internal static class ListTicketArtifacts
{
    /// <param name="Id">The ticket.</param>
    /// <param name="PhaseId">Only those of a phase.</param>
    /// <param name="Limit">The most; 1 to 200.</param>
    /// <param name="Before">Only those with a lower id.</param>
    internal sealed record Query(long Id, string? PhaseId = null, int Limit = 200, long? Before = null)
        : IRequest<IReadOnlyList<TicketArtifact>>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, IReadOnlyList<TicketArtifact>>
    {
        public async Task<IReadOnlyList<TicketArtifact>> Handle(Query request, CancellationToken cancellationToken)
        {
            var list = new ListArtifacts.Query(request.Id, request.PhaseId, request.Limit, request.Before);
            return [.. (await mediator.Send(list, cancellationToken)).Select(a => new TicketArtifact(a))];
        }
    }
}
