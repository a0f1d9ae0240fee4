using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Moves a ticket to the first phase of a column; within its column, it is placed.</summary>
internal static class MoveCard
{
    internal sealed record Command(
        long TicketId,
        string TargetColumnId,
        Caller Caller,
        bool? Force = null,
        string? Reason = null,
        long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(long TicketId, string NewPhase, string NewColumn, string Status);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
            RuleFor(c => c.Reason).MustBeReason("reason");
            RuleFor(c => c.Before)
                .Must(before => before is null or >= 0)
                .WithMessage("'before' must be the id of a ticket, or 0 for the end of the column");
        }
    }

    internal sealed class Handler(MoveWrites moves, TicketSteps steps, MoveRules rules)
        : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            moves.Write(write => Move(write, command));

        private Result Move(IWrite write, Command command)
        {
            var row = TicketTable.Require(write.Db, command.TicketId);
            if (row.IsDone)
                throw MoveRules.Ended(row);
            var workflow = rules.WorkflowOf(row);
            var column =
                workflow.BoardColumns.FirstOrDefault(c => c.Id == command.TargetColumnId)
                ?? throw Problem.NotFound(
                    $"the workflow '{workflow.Name}' does not have the column "
                        + $"'{TextRules.CutCharacters(command.TargetColumnId, 60)}'; its columns: "
                        + string.Join(", ", workflow.BoardColumns.Select(c => c.Id))
                );
            var isIn = column.PhaseMapping.Contains(row.PhaseId) && row.Blocked is null;
            if (!isIn)
                steps.Move(
                    write,
                    row.Id,
                    column.PhaseMapping.Contains(row.PhaseId) ? row.PhaseId : column.PhaseMapping[0],
                    toStatus: null,
                    command.Caller.Name,
                    command.Force == true ? command.Reason ?? "forced on the board" : command.Reason,
                    command.Force == true
                );
            if (command.Before is { } before)
                steps.Place(write, row.Id, before);
            row = TicketTable.Require(write.Db, row.Id);
            var shown = row.Blocked is null ? row.PhaseId : Phase.BlockedId;
            return new Result(row.Id, row.PhaseId, workflow.ColumnOf(shown)?.Id ?? column.Id, "moved");
        }
    }
}
