using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Moves a ticket to where it goes by itself once its gate has passed, also into a column that is entered by
/// hand.</summary>
internal static class AutoTransition
{
    internal sealed record Command(long TicketId, Caller Caller) : IRequest<Result>;

    /// <param name="TicketId">The ticket.</param>
    /// <param name="Transitioned">It has moved.</param>
    /// <param name="NewPhase">Where it is now.</param>
    /// <param name="Reason">Why it has not moved.</param>
    internal sealed record Result(long TicketId, bool Transitioned, string? NewPhase = null, string? Reason = null);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
    }

    internal sealed class Handler(Steps steps) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            steps.Advance(command.TicketId, command.Caller.Name);
    }

    /// <summary>Moves a ticket on.</summary>
    internal sealed class Steps(IStore store, MoveRules rules, Moves moves, IWorkflows workflows)
    {
        public async Task<Result> Advance(long id, string actor)
        {
            var result = await store.Write(write => Advance(write, id, actor), CancellationToken.None);
            // The write does not read what a gate lacks.
            return !result.Transitioned && await store.Read(db => Next(db, id, isWrite: false).Reason) is { } reason
                ? result with
                {
                    Reason = reason,
                }
                : result;
        }

        private Result Advance(IWrite write, long id, string actor)
        {
            var (next, reason) = Next(write.Db, id, isWrite: true);
            if (next is null)
                return new Result(id, false, Reason: reason);
            moves.Move(write, id, next.Id, actor, reason: null);
            return new Result(id, true, TicketTable.Require(write.Db, id).PhaseId);
        }

        // The phase that it may move to, or why it may not move.
        private (Phase? Phase, string? Reason) Next(DbConnection db, long id, bool isWrite)
        {
            var row = TicketTable.Require(db, id);
            if (row.IsDone)
                return (null, MoveRules.Ended(row).Message);
            // Neither ends a block: that is for a person to do.
            if (row.Blocked is not null)
                return (null, $"{MoveRules.Already(row)}; unblock it first");
            if (
                workflows.Find(row.Workflow) is not { } workflow
                || workflow.PhaseOf(row.PhaseId) is not { } phase
                || workflow.NextOf(phase) is not { } next
            )
                return (null, $"{row.PhaseId} leads nowhere by itself");
            var reasons = rules.Reasons(db, row, next, isWrite);
            return reasons.Count > 0 ? (null, string.Join("; ", reasons)) : (next, null);
        }
    }
}
