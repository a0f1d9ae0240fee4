using System.Data.Common;
using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Shows a ticket with its history, the newest entries first.</summary>
internal static class ShowTicket
{
    private const int Shown = 200;

    internal sealed record Query(long Id) : IRequest<Result>;

    internal sealed record Result(Ticket Ticket, IReadOnlyList<TicketHistoryEntry> History);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store, TicketViews views) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(views.Whole(db, query.Id), History(db, query.Id, Shown, before: null)),
                cancellationToken
            );
    }

    internal static IReadOnlyList<TicketHistoryEntry> History(DbConnection db, long ticket, int limit, long? before) =>
        [
            .. db.Query<HistoryRow>(
                    Sql,
                    new
                    {
                        ticket,
                        limit,
                        before,
                    }
                )
                .Select(h => new TicketHistoryEntry(
                    h.Id,
                    TicketRow.Instant(h.At),
                    h.Actor,
                    h.Kind,
                    h.FromPhase,
                    h.ToPhase,
                    h.FromStatus,
                    h.ToStatus,
                    h.Reason
                )),
        ];

    private const string Sql = """
        SELECT id, at, actor, kind, from_phase, to_phase, from_status, to_status, reason
          FROM ticket_history
         WHERE ticket = @ticket AND (@before IS NULL OR id < @before)
         ORDER BY id DESC
         LIMIT @limit
        """;

    private sealed record HistoryRow
    {
        public required long Id { get; init; }

        public required long At { get; init; }

        public required string Actor { get; init; }

        public required string Kind { get; init; }

        public string? FromPhase { get; init; }

        public string? ToPhase { get; init; }

        public string? FromStatus { get; init; }

        public string? ToStatus { get; init; }

        public string? Reason { get; init; }
    }
}
