using Dapper;
using Hive.Common.Storage;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>Stores the figures of each turn once, within the write that ends the turn.</summary>
internal sealed class TurnLedger(Prices prices, AgentEvents events, Lazy<IEnumerable<ITurnEnded>> told)
{
    // Looked up late: they may call the broker, which calls this.
    private readonly Lazy<ITurnEnded[]> told = new(() => [.. told.Value]);

    /// <summary>Adds a turn that was lost: its harness reported no figures.</summary>
    public void AddLost(IWrite write, Turn turn)
    {
        var row = RowOf(turn, reported: null);
        Store(write, row, isNew: true);
        // The page shows events, and the harness can send none for this turn any more.
        var endedAt = DateTimeOffset.FromUnixTimeMilliseconds(row.EndedAt);
        events.Append(write, turn.Agent, [EventText.Lost(endedAt, turn.Id, row.Result, row.Note)]);
    }

    /// <summary>Adds a turn whose end was reported.</summary>
    /// <param name="write">The write that ends it.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="reported">The report with its figures.</param>
    /// <param name="isNew">False when this end was reported before; a row that is there stays as it is then.</param>
    public void Add(IWrite write, Turn turn, EndTurn.Command reported, bool isNew) =>
        Store(write, RowOf(turn, reported), isNew);

    private static TurnRow RowOf(Turn turn, EndTurn.Command? reported)
    {
        var (begun, ended) = (turn.StartedAt, turn.EndedAt!.Value);
        var reportedEnd = reported?.EndedAt?.ToUnixTimeMilliseconds() is > 0 and var end ? end : (long?)null;
        var reportedStart = reported?.StartedAt?.ToUnixTimeMilliseconds() is > 0 and var start ? start : (long?)null;
        return new TurnRow(reported ?? TurnFigures.None)
        {
            Id = turn.Id,
            Agent = turn.Agent,
            WakeFrom = turn.WakeFrom,
            Result = turn.Result!,
            Note = turn.Note,
            At = Math.Clamp(reportedEnd ?? ended, Math.Min(begun, ended), Math.Max(begun, ended)),
            StartedAt = reportedStart ?? begun,
            EndedAt = reportedEnd ?? ended,
            Model = string.IsNullOrWhiteSpace(reported?.Model) ? null : reported.Model,
            ReportedCostUsd = reported?.CostUsd,
        };
    }

    private void Store(IWrite write, TurnRow row, bool isNew)
    {
        // A lost turn has a row already, without figures.
        var before = isNew
            ? write.Db.QuerySingleOrDefault<TurnRow>($"SELECT {TurnRow.Columns} FROM turn_stats WHERE id = @Id", row)
            : null;
        if (write.Db.Execute(isNew ? $"INSERT OR REPLACE {Into}" : $"INSERT OR IGNORE {Into}", row) == 0)
            return;
        if (before is not null)
            AddUp(write, before, -1);
        AddUp(write, row, 1);
        var view = row.ToView(prices.Table);
        foreach (var one in told.Value)
            one.Ended(write, view, before?.ToView(prices.Table));
        write.Raise(new TurnEnded(view));
    }

    private static void AddUp(IWrite write, TurnRow row, int sign)
    {
        var tokens = row.Tokens;
        write.Db.Execute(
            AddToHour,
            new
            {
                hour = row.At - (row.At % TurnSums.Hour),
                row.Agent,
                model = row.Model ?? "",
                turns = sign,
                failed = TurnResult.IsFailure(row.Result) ? sign : 0,
                withTokens = tokens is null ? 0 : sign,
                duration = sign * (row.DurationMs ?? 0),
                tools = sign * (row.ToolCallCount ?? 0),
                input = sign * (tokens?.Input ?? 0),
                output = sign * (tokens?.Output ?? 0),
                cacheRead = sign * (tokens?.CacheRead ?? 0),
                cacheCreation = sign * (tokens?.CacheCreation ?? 0),
            }
        );
    }

    private const string AddToHour = """
        INSERT INTO turn_hours (
            hour, agent, model, turns, failed, with_tokens, duration_ms, tool_call_count,
            input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens)
        VALUES (
            @hour, @Agent, @model, @turns, @failed, @withTokens, @duration, @tools,
            @input, @output, @cacheRead, @cacheCreation)
        ON CONFLICT (hour, agent, model) DO UPDATE
           SET turns = turns + excluded.turns,
               failed = failed + excluded.failed,
               with_tokens = with_tokens + excluded.with_tokens,
               duration_ms = duration_ms + excluded.duration_ms,
               tool_call_count = tool_call_count + excluded.tool_call_count,
               input_tokens = input_tokens + excluded.input_tokens,
               output_tokens = output_tokens + excluded.output_tokens,
               cache_read_input_tokens = cache_read_input_tokens + excluded.cache_read_input_tokens,
               cache_creation_input_tokens = cache_creation_input_tokens + excluded.cache_creation_input_tokens
        """;

    private const string Into = """
        INTO turn_stats (
            id, agent, wake_from, result, note, at, model, started_at, ended_at, duration_ms,
            input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens,
            last_input_tokens, last_output_tokens, last_cache_read_input_tokens, last_cache_creation_input_tokens,
            tool_call_count, tool_calls, open_loose_ends_count, open_reminders_count, reported_cost_usd)
        VALUES (
            @Id, @Agent, @WakeFrom, @Result, @Note, @At, @Model, @StartedAt, @EndedAt, @DurationMs,
            @InputTokens, @OutputTokens, @CacheReadInputTokens, @CacheCreationInputTokens,
            @LastInputTokens, @LastOutputTokens, @LastCacheReadInputTokens, @LastCacheCreationInputTokens,
            @ToolCallCount, @ToolCallsJson, @OpenLooseEndsCount, @OpenRemindersCount, @ReportedCostUsd)
        """;
}
