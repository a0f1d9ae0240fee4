using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Releases a held ticket.</summary>
internal static class ReleaseTicket
{
    internal sealed record Command(long Id, Caller Caller) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
        }
    }

    internal sealed class Handler(IStore store, TicketSteps steps, TicketViews views) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    steps.Release(write, command.Id, command.Caller.Name);
                    return views.Whole(write.Db, command.Id);
                },
                CancellationToken.None
            );
    }
}
