using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Nacks received messages: they are delivered again after a pause, or parked after the third nack.</summary>
internal static class NackMessages
{
    /// <param name="Caller">The agent that holds them.</param>
    /// <param name="Ids">Ids of received messages.</param>
    /// <param name="DelaySeconds">The pause before they are delivered again; null for the usual one.</param>
    /// <param name="Error">The reason, shown to the operator.</param>
    /// <param name="Unseen">The agent has not seen them, so the nack does not count as a failure.</param>
    internal sealed record Command(
        Caller Caller,
        IReadOnlyList<long> Ids,
        long? DelaySeconds = null,
        string? Error = null,
        bool? Unseen = null
    ) : IRequest<Result>, IShortRequest;

    internal sealed record Result(int Requeued, int Parked) : ICountsMessages
    {
        int ICountsMessages.Messages => Requeued + Parked;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.DelaySeconds).MustBeDelay();
            RuleFor(c => c.Error).MustBeText(Limits.BodyBytes);
        }
    }

    internal sealed class Handler(Chunks chunks, FailedMessages failed) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var blame = command.Unseen == true ? Blame.None : Blame.Counts;
            var nacked = await chunks.Write(
                // An id given twice is nacked once.
                _ => [.. command.Ids.Distinct()],
                (write, ids) => failed.Nack(write, command.Caller.Name, ids, command.DelaySeconds, command.Error, blame)
            );
            return new Result(nacked.Sum(chunk => chunk.Requeued), nacked.Sum(chunk => chunk.Parked));
        }
    }
}
