using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Approves a ticket, under the names of upstream.</summary>
internal static class ApproveById
{
    internal sealed record Command(long TicketId, Caller Caller) : IRequest<Result>;

    internal sealed record Result(long TicketId, string ApprovalStatus);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
        }
    }

    internal sealed class Handler(IStore store, NewTickets tickets) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    tickets.Approve(write, command.TicketId, command.Caller.Name);
                    return new Result(command.TicketId, "approved");
                },
                CancellationToken.None
            );
    }
}
