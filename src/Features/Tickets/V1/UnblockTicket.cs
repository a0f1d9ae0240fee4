using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Ends the block of a ticket.</summary>
internal static class UnblockTicket
{
    internal sealed record Command(long Id, Caller Caller, string? Reason = null) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => c.Reason).MustBeReason("reason");
        }
    }

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(command.Id, write => steps.Unblock(write, command.Id, command.Caller.Name, command.Reason));
    }
}
