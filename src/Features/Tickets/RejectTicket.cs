using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets;

/// <summary>Rejects a ticket that waits for its approval: it is removed, or kept without any work on it.</summary>
internal static class RejectTicket
{
    internal sealed record Command(long Id, string Reason, Caller Caller) : IRequest<Done>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => (string?)c.Reason).MustBeReason("reason");
        }
    }

    internal sealed class Handler(IStore store, NewTickets tickets) : IRequestHandler<Command, Done>
    {
        public Task<Done> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    tickets.Reject(write, command.Id, command.Caller.Name, command.Reason);
                    return Done.Instance;
                },
                CancellationToken.None
            );
    }
}
