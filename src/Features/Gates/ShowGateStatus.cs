using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows the gate of a ticket's phase, and changes nothing.</summary>
internal static class ShowGateStatus
{
    /// <param name="Id">The ticket.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    internal sealed record Query(long Id, string? PhaseId = null) : IRequest<TicketGate>;

    internal sealed class Handler(IStore store, GateReader reader) : IRequestHandler<Query, TicketGate>
    {
        public Task<TicketGate> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new TicketGate(reader.Show(db, request.Id, request.PhaseId).View), cancellationToken);
    }
}
