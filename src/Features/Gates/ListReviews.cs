using System.Data.Common;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Lists the open reviews, the operator's and the validators', oldest first, or all of a ticket, the newest
/// first.</summary>
internal static class ListReviews
{
    /// <param name="Ticket">The ticket; null for the open reviews of all tickets.</param>
    internal sealed record Query(long? Ticket = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Review> Reviews);

    internal sealed class Handler(IStore store, GateReader reader) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(Read(db, request.Ticket)), cancellationToken);

        private IReadOnlyList<Review> Read(DbConnection db, long? ticket) =>
            ticket is { } id ? ReviewTable.Of(db, reader.Require(db, id).Id) : ReviewTable.Open(db);
    }
}
