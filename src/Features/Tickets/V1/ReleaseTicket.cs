using FluentValidation;
using Hive.Common.Doors;
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

    internal sealed class Handler(TicketWrites writes, TicketSteps steps) : IRequestHandler<Command, Ticket>
    {
        public Task<Ticket> Handle(Command command, CancellationToken cancellationToken) =>
            writes.Change(command.Id, write => steps.Release(write, command.Id, command.Caller.Name));
    }
}
