using System.Linq.Expressions;
using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Ends a turn: a good one acknowledges its messages, any other nacks them; its figures are stored in the same
/// write. Ending the turn again returns the same answer.</summary>
internal static class EndTurn
{
    /// <summary>More than any turn takes, and little enough that a year of turns can be added up.</summary>
    private const long Most = 1_000_000_000_000;

    private const int MostTools = 200;
    private const int ToolNameBytes = 200;
    private const int ModelBytes = 200;
    private const double MostUsd = 1_000_000;

    internal sealed record Command(
        Caller Caller,
        long Turn,
        string Result,
        string? Note = null,
        long? DelaySeconds = null,
        DateTimeOffset? StartedAt = null,
        DateTimeOffset? EndedAt = null,
        double? CostUsd = null
    ) : TurnFigures, IRequest<Outcome>, IShortRequest;

    internal sealed record Outcome(int Acked, int Requeued, int Parked) : ICountsMessages
    {
        int ICountsMessages.Messages => Acked + Requeued + Parked;
    }

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Result)
                .Must(r => TurnResult.Reported.Contains(r))
                .WithMessage($"'result' must be one of {string.Join(", ", TurnResult.Reported)}");
            RuleFor(c => c.Note).MustBeText(Limits.BodyBytes);
            RuleFor(c => c.DelaySeconds).MustBeDelay();
            RuleFor(c => c.Model).MustBeText(ModelBytes);
            RuleFor(c => c.CostUsd).InclusiveBetween(0, MostUsd).WithMessage($"'cost_usd' must be 0 to {MostUsd}");
            foreach (var figure in Figures)
                RuleFor(figure).InclusiveBetween(0, Most).WithMessage($"'{NameOf(figure)}' must be 0 to {Most}");
            RuleFor(c => c.ToolCalls)
                .Custom(
                    (calls, context) =>
                    {
                        if (calls is not null && FaultOf(calls) is { } fault)
                            context.AddFailure(fault);
                    }
                );
        }

        private static string? FaultOf(IReadOnlyDictionary<string, long> calls) =>
            calls.Count > MostTools
                ? $"'tool_calls' names {calls.Count} tools, the limit is {MostTools}; name those called most"
            : calls.Keys.Any(tool => tool.Length == 0 || Encoding.UTF8.GetByteCount(tool) > ToolNameBytes)
                ? $"'tool_calls' has a name that is empty or longer than {ToolNameBytes} bytes; shorten it"
            : calls.Values.Any(count => count is < 0 or > Most) ? $"'tool_calls' has a count that is not 0 to {Most}"
            : null;

        private static string NameOf(Expression<Func<Command, long?>> figure) =>
            JsonNamingPolicy.SnakeCaseLower.ConvertName(((MemberExpression)figure.Body).Member.Name);

        private static readonly Expression<Func<Command, long?>>[] Figures =
        [
            c => c.DurationMs,
            c => c.InputTokens,
            c => c.OutputTokens,
            c => c.CacheReadInputTokens,
            c => c.CacheCreationInputTokens,
            c => c.LastInputTokens,
            c => c.LastOutputTokens,
            c => c.LastCacheReadInputTokens,
            c => c.LastCacheCreationInputTokens,
            c => c.ToolCallCount,
            c => c.OpenLooseEndsCount,
            c => c.OpenRemindersCount,
        ];
    }

    internal sealed class Handler(
        IStore store,
        ILeases leases,
        OpenTurns open,
        TurnLedger ledger,
        Prices prices,
        TimeProvider clock
    ) : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken cancellationToken)
        {
            prices.Refresh();
            var (agent, id) = (command.Caller.Name, command.Turn);
            IReadOnlyList<long> many = [];
            var outcome = await store.Write(
                write =>
                {
                    var turn = Find(write);
                    many = leases.BeginLargeRelease(write, agent, id);
                    return many.Count > 0 ? null : End(write, turn);
                },
                CancellationToken.None
            );
            if (many.Count > 0)
                await leases.ReleaseMany(
                    agent,
                    id,
                    many,
                    write => ReleaseOf(Find(write)),
                    (write, released) => Turn.Count(write, id, released)
                );
            while (outcome is null)
                outcome = await store.Write(write => End(write, Find(write)), CancellationToken.None);
            return outcome;

            Turn Find(IWrite write) =>
                Turn.Find(write.Db, agent, id) ?? throw Problem.NotFound($"{agent} does not have a turn {id}");

            LeaseOutcome ReleaseOf(Turn turn) =>
                TurnResult.OutcomeOf(command.Result, command.Note, command.DelaySeconds, turn.NoFault);

            // Null when a lost turn has more messages than one write releases.
            Outcome? End(IWrite write, Turn turn)
            {
                var isNew = turn.EndedAt is null || turn.Lost;
                if (isNew)
                {
                    // A lost turn gets back what nobody was given since, as if it had held that until now. Should the
                    // host end before the last of them, the turn is still lost and can be ended again.
                    var isAll = !turn.Lost || leases.Reclaim(write, agent, id);
                    var released = leases.Close(write, agent, id, ReleaseOf(turn));
                    if (!isAll)
                    {
                        Turn.Count(write, id, released);
                        return null;
                    }

                    open.Remove(write, agent, id);
                    turn = turn.End(write, command.Result, command.Note, released, clock.GetUtcNow());
                }

                ledger.Add(write, turn, command, isNew);
                return new Outcome(turn.Acked, turn.Requeued, turn.Parked);
            }
        }
    }
}
