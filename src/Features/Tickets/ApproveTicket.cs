using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
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

    internal sealed class Handler(IStore store, NewTickets tickets, TicketViews views)
        : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    tickets.Approve(write, command.Id, command.Caller.Name);
                    return views.Whole(write.Db, command.Id);
                },
                CancellationToken.None
            );
    }
}
