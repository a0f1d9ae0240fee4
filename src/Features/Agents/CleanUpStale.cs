using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Pauses the agents that have had no connection for some time. Their state follows from that and cannot be
/// set.</summary>
internal static class CleanUpStale
{
    private const string Paused = "paused";

    internal sealed record Command(long? TimeoutSeconds = null, string? MarkAs = null) : IRequest<Result>;

    /// <param name="Success">Always true; a failure is an error.</param>
    /// <param name="MarkedCount">How many were paused now.</param>
    /// <param name="TimeoutSeconds">For how long they had no connection.</param>
    /// <param name="MarkedAs"><c>paused</c>.</param>
    /// <param name="Message">The same in words.</param>
    internal sealed record Result(bool Success, int MarkedCount, long TimeoutSeconds, string MarkedAs, string Message);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.TimeoutSeconds).MustBeTimeout();
            RuleFor(c => c.MarkAs)
                .Must(mark => mark is null or "timeout" or Paused)
                .WithMessage($"'mark_as' can be 'timeout' or '{Paused}', which both pause a stale agent; leave it out");
        }
    }

    internal sealed class Handler(IStore store, IRoster roster, Liveness liveness, PauseAgent.Steps pause)
        : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var timeout = command.TimeoutSeconds ?? Liveness.UsualTimeout;
            var count = await store.Write(
                write =>
                {
                    var stale = roster.All.Where(a => !a.Paused && liveness.Of(a, timeout).Stale).ToArray();
                    foreach (var agent in stale)
                        pause.Run(write, agent.Name, paused: true);
                    return stale.Length;
                },
                CancellationToken.None
            );
            return new Result(
                true,
                count,
                timeout,
                Paused,
                $"paused {count} {(count == 1 ? "agent" : "agents")} without a connection for {timeout} seconds"
            );
        }
    }
}
