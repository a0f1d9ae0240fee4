using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>For a harness that has started or reconnected: its other turns are lost, and messages that nobody works on
/// any more are requeued.</summary>
internal static class RequeueInflight
{
    internal sealed record Command(Caller Caller, IReadOnlyList<long>? ExceptTurns = null)
        : IRequest<Result>,
            IShortRequest;

    internal sealed record Result(int Requeued) : ICountsMessages
    {
        int ICountsMessages.Messages => Requeued;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleForEach(c => c.ExceptTurns).GreaterThan(0).WithMessage("'except_turns' must hold positive turn ids");
    }

    internal sealed class Handler(IStore store, IInflight inflight, ILastWords lastWords)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var (agent, keep) = (command.Caller.Name, command.ExceptTurns ?? []);
            var running = await store.Read(
                db => Turn.Running(db).Where(t => t.Agent == agent).Select(t => t.Id).ToArray(),
                CancellationToken.None
            );
            // Read before the write, which must not wait for a log.
            var words = running.Except(keep).Any() ? await lastWords.Of(agent) : null;
            var requeued = await store.Write(
                write => inflight.RequeueExcept(write, agent, keep, words),
                CancellationToken.None
            );
            await inflight.Requeued(agent);
            return new Result(requeued);
        }
    }
}
