using FluentValidation;
using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Judges the gate that a ticket stands at.</summary>
internal static class ValidateGate
{
    /// <param name="Id">The ticket.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    internal sealed record Command(long Id, string? PhaseId = null) : IRequest<TicketGate>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, TicketGate>
    {
        public async Task<TicketGate> Handle(Command command, CancellationToken cancellationToken) =>
            new TicketGate(
                await mediator.Send(new ShowGate.Command(command.Id, command.PhaseId, Judge: true), cancellationToken)
            );
    }
}
