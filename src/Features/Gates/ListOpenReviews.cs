using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists the open reviews for <c>/api/v1</c>, oldest first.</summary>
internal static class ListOpenReviews
{
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(int? Limit = null, long? Before = null) : IRequest<IReadOnlyList<TicketReview>>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, IReadOnlyList<TicketReview>>
    {
        public async Task<IReadOnlyList<TicketReview>> Handle(Query request, CancellationToken cancellationToken) =>
            [
                .. (await mediator.Send(new ListReviews.Query(), cancellationToken))
                    .Reviews.Page(request.Limit, request.Before, review => review.Id)
                    .Select(review => new TicketReview(review)),
            ];
    }
}
