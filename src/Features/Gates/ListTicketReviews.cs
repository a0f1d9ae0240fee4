using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists the reviews of a ticket for <c>/api/v1</c>, the newest first.</summary>
internal static class ListTicketReviews
{
    /// <param name="Id">The ticket.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(long Id, int? Limit = null, long? Before = null)
        : IRequest<IReadOnlyList<TicketReview>>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, IReadOnlyList<TicketReview>>
    {
        public async Task<IReadOnlyList<TicketReview>> Handle(Query request, CancellationToken cancellationToken) =>
            [
                .. (await mediator.Send(new ListReviews.Query(request.Id), cancellationToken))
                    .Reviews.PageDown(request.Limit, request.Before, review => review.Id)
                    .Select(review => new TicketReview(review)),
            ];
    }
}
