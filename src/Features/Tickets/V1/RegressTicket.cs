using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Sends a ticket back to an earlier phase, with a task that carries the feedback.</summary>
internal static class RegressTicket
{
    internal sealed record Command(long Id, string ToPhase, string Reason, Caller Caller) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => (string?)c.Reason).MustBeReason("reason");
        }
    }

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(
                command.Id,
                write => steps.Regress(write, command.Id, command.ToPhase, command.Reason, command.Caller.Name)
            );
    }
}
