using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Begins a turn: the given messages are leased to it until it ends.</summary>
internal static class BeginTurn
{
    // Running turns of one agent. A harness runs one; a client that begins many and ends none is stopped here.
    private const int MostTurns = 32;

    internal sealed record Command(Caller Caller, IReadOnlyList<long> Ids, string WakeFrom) : IRequest<Result>;

    internal sealed record Result(long Turn);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.WakeFrom).MustBeText(100);
            RuleFor(c => c.Ids)
                .Must(ids => ids is { Count: >= 1 and <= Limits.MaxBatch })
                .WithMessage($"'ids' must hold the ids of 1 to {Limits.MaxBatch} received messages");
        }
    }

    internal sealed class Handler(IStore store, IRoster roster, ILeases leases, OpenTurns open, TimeProvider clock)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var (turn, obstacle) = await store.Write(write => TryBegin(write, command), CancellationToken.None);
            return obstacle is null ? new Result(turn) : throw Problem.Conflict(obstacle);
        }

        // A message that the agent received just before it was paused was never begun: it waits as if it had not been
        // received. That is a change to keep, so the refusal follows the write.
        private (long Turn, string? Obstacle) TryBegin(IWrite write, Command command)
        {
            var agent = command.Caller.Name;
            var entry = roster.Require(agent);
            var obstacle =
                entry.Held is { } reason
                    ? $"{agent} is held: {reason}; the messages of this connection wait until the hold ends, receive "
                        + "again then"
                : entry.Paused
                    ? $"{agent} is paused; the messages of this connection wait until the operator resumes it, receive "
                        + "again then"
                : null;
            if (obstacle is null)
                return (Begin(write, command), null);
            leases.GiveBack(write, command.Caller, command.Ids);
            return (0, obstacle);
        }

        private long Begin(IWrite write, Command command)
        {
            var agent = command.Caller.Name;
            foreach (var id in command.Ids)
            {
                if (!leases.IsLeased(agent, id, out var running))
                    throw Problem.Conflict($"message {id} is not leased to {agent}; receive it again");
                if (running is not null)
                    throw Problem.Conflict(
                        $"message {id} belongs to the running turn {running}; "
                            + "end that turn first, or release it with requeue_inflight"
                    );
            }

            if (leases.Holders(agent) >= MostTurns)
                throw Problem.Conflict(
                    $"{agent} has {MostTurns} running turns, which is the limit; "
                        + "end some, or give them up with requeue_inflight"
                );
            var now = clock.GetUtcNow();
            var turn = Turn.Begin(write, agent, command.WakeFrom, now);
            leases.Open(write, agent, turn, command.Ids);
            open.Add(write, agent, turn, now);
            return turn;
        }
    }
}
