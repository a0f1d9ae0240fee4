using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>A harness has started or reconnected: what nobody works on any more comes again.</summary>
internal static class RequeueInflight
{
    internal sealed record Command(Caller Caller, IReadOnlyList<long>? ExceptTurns = null) : IRequest<Result>;

    internal sealed record Result(int Requeued);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator() =>
            RuleForEach(c => c.ExceptTurns)
                .GreaterThan(0)
                .WithMessage("'except_turns' holds numbers of turns, above 0");
    }

    internal sealed class Handler(IStore store, Broker broker, ILastWords lastWords) : IRequestHandler<Command, Result>
    {
        public async Task<Result> Handle(Command command, CancellationToken cancellationToken)
        {
            var (agent, goOn) = (command.Caller.Name, command.ExceptTurns ?? []);
            var running = await store.Read(
                db => db.Query<long>(Running, new { agent }).ToArray(),
                CancellationToken.None
            );
            var words = running.Except(goOn).Any() ? await lastWords.Of(agent) : null;
            return await store.Write(
                write => new Result(broker.RequeueInflight(write, agent, goOn, words)),
                CancellationToken.None
            );
        }

        private const string Running = """
            SELECT id
              FROM turns
             WHERE ended_at IS NULL AND agent = @agent
            """;
    }
}
