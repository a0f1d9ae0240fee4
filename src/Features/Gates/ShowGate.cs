using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Gates;

/// <summary>Shows the gate of a ticket's phase, and judges it first when asked to.</summary>
internal static class ShowGate
{
    /// <param name="Ticket">The ticket.</param>
    /// <param name="PhaseId">The phase; null for the ticket's own.</param>
    /// <param name="Judge">Judges the gate now. It may pass while a task is open.</param>
    internal sealed record Command(long Ticket, string? PhaseId = null, bool Judge = false) : IRequest<GateView>;

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Ticket).MustBeIdOf("ticket", "ticket");
            RuleFor(c => c.PhaseId).MustBeText(100);
        }
    }

    internal sealed class Handler(IStore store, GateReader reader, Judgements judgements)
        : IRequestHandler<Command, GateView>
    {
        public async Task<GateView> Handle(Command command, CancellationToken cancellationToken)
        {
            var (view, current) = await store.Read(
                db => reader.Show(db, command.Ticket, command.PhaseId),
                cancellationToken
            );
            if (!command.Judge)
                return view;
            return view.PhaseId == current
                ? await judgements.JudgeNow(command.Ticket, view.PhaseId, cancellationToken)
                : throw Problem.Conflict(
                    $"ticket {command.Ticket} stands in {current}; only the gate there can be judged"
                );
        }
    }
}
