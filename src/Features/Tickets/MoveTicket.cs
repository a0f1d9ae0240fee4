using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Moves a ticket to another phase, by force when the operator says so with a reason.</summary>
internal static class MoveTicket
{
    internal sealed record Command(
        long Id,
        Caller Caller,
        string? ToPhase = null,
        [property: Description("Instead of to_phase: backlog, analyzing, building, testing or done.")]
            string? ToStatus = null,
        [property: Description("Needed by force; feedback for a move to an earlier phase.")] string? Reason = null,
        [property: Description("Asks neither the map, the gate, a block, a hold nor the column's limit.")]
            bool? Force = null,
        [property: Description("The ticket of that column above which it is placed; 0 for the column's end.")]
            long? Before = null
    ) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => c.Reason).MustBeReason("reason");
            RuleFor(c => c)
                .Must(c => (c.ToPhase is null) != (c.ToStatus is null))
                .WithMessage("give one of 'to_phase' and 'to_status'")
                .Must(c => c.Force != true || c.Reason is not null)
                .WithMessage("'force' needs a 'reason', which the ticket's history keeps")
                .Must(c => c.Before is null or >= 0)
                .WithMessage("'before' must be the id of a ticket, or 0 for the end of the column");
        }
    }

    internal sealed class Handler(MoveWrites moves, TicketSteps steps, TicketViews views)
        : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            moves.Write(write =>
            {
                var (id, actor) = (command.Id, command.Caller.Name);
                var force = command.Force == true;
                steps.Move(write, id, command.ToPhase, command.ToStatus, actor, command.Reason, force);
                if (command.Before is { } before)
                    steps.Place(write, id, before);
                return views.Whole(write.Db, id);
            });
    }
}
