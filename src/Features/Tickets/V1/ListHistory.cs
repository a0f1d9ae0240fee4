using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Lists the history of a ticket, the newest entries first.</summary>
internal static class ListHistory
{
    private const int Usual = 100;
    private const int Most = 1000;

    /// <param name="Id">The ticket.</param>
    /// <param name="Limit">The most entries.</param>
    /// <param name="Before">Only entries with a lower id.</param>
    internal sealed record Query(long Id, int? Limit = null, long? Before = null)
        : IRequest<IReadOnlyList<TicketHistoryEntry>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, IReadOnlyList<TicketHistoryEntry>>
    {
        public Task<IReadOnlyList<TicketHistoryEntry>> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    TicketTable.Require(db, query.Id);
                    return ShowTicket.History(db, query.Id, Math.Clamp(query.Limit ?? Usual, 1, Most), query.Before);
                },
                cancellationToken
            );
    }
}
