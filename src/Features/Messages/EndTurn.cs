using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Persistence;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>A turn ends: a good one acks what it held, any other gives it back. Ending it again answers the same.</summary>
internal static class EndTurn
{
    internal sealed record Command(Caller Caller, long Turn, string Result, string? Note = null, long? DelaySeconds = null) : IRequest<Outcome>;

    internal sealed record Outcome(int Acked, int Requeued, int Parked);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Result).Must(r => TurnResult.All.Contains(r)).WithMessage($"'result' must be one of {string.Join(", ", TurnResult.All)}");
            RuleFor(c => c.Note).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.DelaySeconds).InclusiveBetween(0, NackMessages.MaxDelaySeconds).WithMessage($"'delay_seconds' must be 0 to {NackMessages.MaxDelaySeconds} (a day)");
        }
    }

    internal sealed class Handler(IStore store, Broker broker) : IRequestHandler<Command, Outcome>
    {
        public Task<Outcome> Handle(Command command, CancellationToken cancellationToken) => store.Write(
            write =>
            {
                var turn = broker.EndTurn(write, command.Caller.Name, command.Turn, command.Result, command.Note, command.DelaySeconds);
                return new Outcome(turn.Acked, turn.Requeued, turn.Parked);
            },
            CancellationToken.None);
    }
}
