using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Adds a comment to a ticket's history, also after its end.</summary>
internal static class CommentTicket
{
    internal sealed record Command(long Id, string Comment, Caller Caller) : IRequest<Ticket>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Id).MustBeIdOf("ticket");
            RuleFor(c => (string?)c.Comment).MustBeReason("comment");
        }
    }

    internal sealed class Handler(IStore store, TicketSteps steps, TicketViews views) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write =>
                {
                    steps.Comment(write, command.Id, command.Comment, command.Caller.Name);
                    return views.Whole(write.Db, command.Id);
                },
                CancellationToken.None
            );
    }
}
