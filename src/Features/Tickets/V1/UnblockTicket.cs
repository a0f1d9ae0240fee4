using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
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

    internal sealed class Handler(IStore store, TicketSteps steps, TicketViews views) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    steps.Unblock(write, command.Id, command.Caller.Name, command.Reason);
                    return views.Whole(write.Db, command.Id);
                },
                CancellationToken.None
            );
    }
}
