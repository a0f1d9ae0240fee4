using System.Linq.Expressions;
using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>A turn ends: a good one acks what it held, any other gives it back; its figures are kept in the same write.
/// Ending it again answers the same.</summary>
internal static class EndTurn
{
    /// <summary>More than any turn takes, and little enough that a year of them can be summed up.</summary>
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
        string? Model = null,
        DateTimeOffset? StartedAt = null,
        DateTimeOffset? EndedAt = null,
        long? DurationMs = null,
        long? InputTokens = null,
        long? OutputTokens = null,
        long? CacheReadInputTokens = null,
        long? CacheCreationInputTokens = null,
        long? LastInputTokens = null,
        long? LastOutputTokens = null,
        long? LastCacheReadInputTokens = null,
        long? LastCacheCreationInputTokens = null,
        long? ToolCallCount = null,
        IReadOnlyDictionary<string, long>? ToolCalls = null,
        long? OpenLooseEndsCount = null,
        long? OpenRemindersCount = null,
        double? CostUsd = null
    ) : IRequest<Outcome>;

    internal sealed record Outcome(int Acked, int Requeued, int Parked);

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            RuleFor(c => c.Result)
                .Must(r => TurnResult.Told.Contains(r))
                .WithMessage($"'result' must be one of {string.Join(", ", TurnResult.Told)}");
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
                        if (calls is null)
                            return;
                        if (calls.Count > MostTools)
                            context.AddFailure(
                                $"'tool_calls' names {calls.Count} tools, the limit is {MostTools}; name those called most"
                            );
                        else if (
                            calls.Keys.Any(tool => tool.Length == 0 || Encoding.UTF8.GetByteCount(tool) > ToolNameBytes)
                        )
                            context.AddFailure(
                                $"'tool_calls' holds a name that is empty or has more than {ToolNameBytes} bytes; shorten it"
                            );
                        else if (calls.Values.Any(count => count is < 0 or > Most))
                            context.AddFailure($"'tool_calls' holds a count that is not 0 to {Most}");
                    }
                );
        }

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

    internal sealed class Handler(IStore store, ITurnEnds turns, TurnLedger ledger, Prices prices)
        : IRequestHandler<Command, Outcome>
    {
        public async Task<Outcome> Handle(Command command, CancellationToken cancellationToken)
        {
            var told = Told(command);
            prices.Look();
            var (agent, id, result, note, delay) = (
                command.Caller.Name,
                command.Turn,
                command.Result,
                command.Note,
                command.DelaySeconds
            );
            IReadOnlyList<long> many = [];
            var outcome = await store.Write(
                write => (many = turns.HeldByLargeTurn(agent, id)).Count > 0 ? null : End(write),
                CancellationToken.None
            );
            if (outcome is not null)
                return outcome;
            foreach (var piece in many.Order().Chunk(ITurnEnds.Piece))
            {
                await store.Write(
                    write => turns.EndPiece(write, agent, id, piece, result, note, delay),
                    CancellationToken.None
                );
            }

            return await store.Write(End, CancellationToken.None);

            Outcome End(IWrite write)
            {
                var turn = turns.End(write, agent, id, result, note, delay);
                ledger.Add(write, turn, told);
                return new Outcome(turn.Acked, turn.Requeued, turn.Parked);
            }
        }

        private static TurnRow Told(Command command) =>
            new()
            {
                Id = command.Turn,
                Agent = command.Caller.Name,
                WakeFrom = "",
                Result = command.Result,
                At = 0,
                Model = string.IsNullOrWhiteSpace(command.Model) ? null : command.Model,
                StartedAt = command.StartedAt?.ToUnixTimeMilliseconds() ?? 0,
                EndedAt = command.EndedAt?.ToUnixTimeMilliseconds() ?? 0,
                DurationMs = command.DurationMs,
                InputTokens = command.InputTokens,
                OutputTokens = command.OutputTokens,
                CacheReadInputTokens = command.CacheReadInputTokens,
                CacheCreationInputTokens = command.CacheCreationInputTokens,
                LastInputTokens = command.LastInputTokens,
                LastOutputTokens = command.LastOutputTokens,
                LastCacheReadInputTokens = command.LastCacheReadInputTokens,
                LastCacheCreationInputTokens = command.LastCacheCreationInputTokens,
                ToolCallCount = command.ToolCallCount,
                ToolCalls = command.ToolCalls is null
                    ? null
                    : JsonSerializer.Serialize(command.ToolCalls, WireJson.Options),
                OpenLooseEndsCount = command.OpenLooseEndsCount,
                OpenRemindersCount = command.OpenRemindersCount,
                ReportedCostUsd = command.CostUsd,
            };
    }
}
