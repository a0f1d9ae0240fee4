using FluentValidation;
using Hive.Common.Doors;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Approves a ticket: the work on it begins.</summary>
internal static class ApproveTicket
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(TicketWrites writes, NewTickets tickets) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(command.Id, write => tickets.Approve(write, command.Id, command.Caller.Name));
    }
}
