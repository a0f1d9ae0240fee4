using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Deletes a ticket with its history; its open tasks are cancelled first.</summary>
internal static class DeleteTicket
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(
        IStore store,
        RemovedTickets tickets,
        ApprovalDeadlines deadlines,
        Leftovers leftovers
    ) : IRequestHandler<Command, Done>
    {
        public async Task<Done> Handle(Command command, CancellationToken cancellationToken)
        {
            await store.Write(
                write =>
                {
                    var row = TicketTable.Require(write.Db, command.Id);
                    tickets.Remove(write, row, command.Caller.Name);
                    deadlines.Remove(write, row.Id);
                },
                CancellationToken.None
            );
            await leftovers.Delete();
            return Done.Instance;
        }
    }
}
