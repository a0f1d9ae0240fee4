using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Rejects a ticket, under the names of upstream.</summary>
internal static class RejectById
{
    internal sealed record Command(long TicketId, string RejectionReason, Caller Caller) : IRequest<Result>;

    internal sealed record Result(long TicketId, string ApprovalStatus);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TicketId).MustBeIdOf("ticket", "ticket_id");
            RuleFor(c => (string?)c.RejectionReason).MustBeReason("rejection_reason");
        }
    }

    internal sealed class Handler(IStore store, NewTickets tickets) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    tickets.Reject(write, command.TicketId, command.Caller.Name, command.RejectionReason);
                    return new Result(command.TicketId, "rejected");
                },
                CancellationToken.None
            );
    }
}
