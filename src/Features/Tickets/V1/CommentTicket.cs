using FluentValidation;
using Hive.Common.Doors;
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

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(command.Id, write => steps.Comment(write, command.Id, command.Comment, command.Caller.Name));
    }
}
