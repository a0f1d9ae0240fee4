using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Gives received messages back: they come again after a while, or are parked when that was the third
/// time.</summary>
internal static class NackMessages
{
    /// <param name="Caller">Who held them.</param>
    /// <param name="Ids">Which.</param>
    /// <param name="DelaySeconds">How long they wait; null for the usual time.</param>
    /// <param name="Error">What went wrong.</param>
    /// <param name="Unseen">Nobody has read them, so that this counts as no attempt.</param>
    internal sealed record Command(
        Caller Caller,
        IReadOnlyList<long> Ids,
        long? DelaySeconds = null,
        string? Error = null,
        bool? Unseen = null
    ) : IRequest<Result>;

    internal sealed record Result(int Requeued, int Parked);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.DelaySeconds).MustBeDelay();
            RuleFor(c => c.Error).MustBeText(Limits.BodyBytes);
        }
    }

    internal sealed class Handler(IStore store, Broker broker) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var blame = command.Unseen == true ? Blame.None : Blame.Counts;
            var pieces = await Pieces.Write(
                store,
                // A message named twice is given back once.
                _ => [.. command.Ids.Distinct()],
                (write, ids) => broker.Nack(write, command.Caller.Name, ids, command.DelaySeconds, command.Error, blame)
            );
            return new Result(pieces.Sum(piece => piece.Requeued), pieces.Sum(piece => piece.Parked));
        }
    }
}
