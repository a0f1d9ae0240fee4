using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows what the phases of a ticket handed on.</summary>
internal static class ShowContext
{
    /// <param name="Ticket">The ticket.</param>
    internal sealed record Query(long Ticket) : IRequest<Result>;

    internal sealed record Result(TicketContext Context);

    internal sealed class Handler(IStore store, GateReader reader, PhaseContexts contexts)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var ticket = reader.Require(db, request.Ticket);
                    var all = contexts.Of(db, ticket);
                    return new Result(new TicketContext(ticket.Id, all, contexts.Summary(ticket, all)));
                },
                cancellationToken
            );
    }
}

/// <summary>The context that the phases of a ticket handed on.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="Phases">The phases in their order.</param>
/// <param name="Summary">All in short; absent when no phase has handed on anything.</param>
internal sealed record TicketContext(long Ticket, IReadOnlyList<PhaseContext> Phases, string? Summary = null);
