using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Blocks a ticket: its tasks wait, and it keeps its phase.</summary>
internal static class BlockTicket
{
    internal sealed record Command(long Id, string Type, Caller Caller, string? Reason = null) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => (string?)c.Type).MustBeBlockType();
            RuleFor(c => c.Reason).MustBeReason("reason");
        }
    }

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(
                command.Id,
                write => steps.Block(write, command.Id, command.Type, command.Reason, command.Caller.Name)
            );
    }
}
