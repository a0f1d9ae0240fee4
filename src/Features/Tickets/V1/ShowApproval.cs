using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Shows the approval of a ticket.</summary>
internal static class ShowApproval
{
    internal sealed record Query(long TicketId) : IRequest<Result>;

    /// <param name="TicketId">The ticket.</param>
    /// <param name="ApprovalStatus"><c>approved</c>, <c>pending_review</c>, <c>rejected</c> or
    /// <c>timed_out</c>.</param>
    /// <param name="RequestedByAgentId">Who made it.</param>
    /// <param name="ApprovalDeadlineAt">When it is decided by itself.</param>
    /// <param name="RejectionReason">Why it was rejected.</param>
    internal sealed record Result(
        long TicketId,
        string ApprovalStatus,
        string RequestedByAgentId,
        DateTimeOffset? ApprovalDeadlineAt = null,
        string? RejectionReason = null
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var row = TicketTable.Require(db, query.TicketId);
                    return new Result(
                        row.Id,
                        row.Approval,
                        row.Requester,
                        TicketRow.Instant(row.ApprovalDeadlineAt),
                        row.RejectionReason
                    );
                },
                cancellationToken
            );
    }
}
