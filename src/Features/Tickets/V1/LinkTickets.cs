using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Lets a ticket wait for another one, or another one for it.</summary>
internal static class LinkTickets
{
    internal sealed record Command(long Id, Caller Caller, long? Blocker = null, long? Blocked = null)
        : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => c)
                .Must(c => (c.Blocker is null) != (c.Blocked is null))
                .WithMessage("give one of 'blocker' and 'blocked'");
        }
    }

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(
                command.Id,
                write =>
                    steps.Link(write, command.Blocker ?? command.Id, command.Blocked ?? command.Id, command.Caller.Name)
            );
    }
}
