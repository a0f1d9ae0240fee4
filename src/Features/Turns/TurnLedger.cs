using Dapper;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>Writes a row for each turn, once, within the write that ends it.</summary>
internal sealed class TurnLedger(Prices prices, AgentEvents events) : ILostTurns
{
    /// <inheritdoc />
    public void Add(IWrite write, EndedTurn turn)
    {
        Add(write, turn, told: null);
        // Its harness can tell no more, and the page shows what was told.
        events.Append(write, turn.Agent, [EventText.Lost(turn.EndedAt, turn.Id, turn.Result, turn.Note)]);
    }

    /// <summary>Notes a turn that has ended; one that is noted already and whose end is no news stays as it
    /// is.</summary>
    /// <param name="write">The write that ends it.</param>
    /// <param name="turn">The turn.</param>
    /// <param name="told">Its figures; null when nobody has told any.</param>
    public void Add(IWrite write, EndedTurn turn, TurnRow? told)
    {
        var (begun, ended) = (turn.StartedAt.ToUnixTimeMilliseconds(), turn.EndedAt.ToUnixTimeMilliseconds());
        var at = told?.EndedAt is > 0 and var said
            ? Math.Clamp(said, Math.Min(begun, ended), Math.Max(begun, ended))
            : ended;
        var row = (told ?? Nothing) with
        {
            Id = turn.Id,
            Agent = turn.Agent,
            WakeFrom = turn.WakeFrom,
            Result = turn.Result,
            Note = turn.Note,
            At = at,
            StartedAt = told?.StartedAt is > 0 and var from ? from : begun,
            EndedAt = told?.EndedAt is > 0 and var until ? until : ended,
        };
        // A lost turn is there already, without its figures.
        var before = turn.IsNews
            ? write.Db.QuerySingleOrDefault<TurnRow>($"SELECT {TurnRow.Columns} FROM turn_stats WHERE id = @Id", row)
            : null;
        if (write.Db.Execute(turn.IsNews ? $"INSERT OR REPLACE {Into}" : $"INSERT OR IGNORE {Into}", row) == 0)
            return;
        if (before is not null)
            AddUp(write, before, -1);
        AddUp(write, row, 1);
        write.Raise(new TurnEnded(row.ToView(prices.Table)));
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
                failed = row.Result is TurnResult.Failed or TurnResult.PromptTooLong or TurnResult.Lost ? sign : 0,
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

    private static readonly TurnRow Nothing = new()
    {
        Id = 0,
        Agent = "",
        WakeFrom = "",
        Result = "",
        At = 0,
        StartedAt = 0,
        EndedAt = 0,
    };

    private const string AddToHour = """
        INSERT INTO turn_hours (
            hour, agent, model, turns, failed, with_tokens, duration_ms, tool_call_count, input_tokens, output_tokens, cache_read_input_tokens, cache_creation_input_tokens)
        VALUES (@hour, @Agent, @model, @turns, @failed, @withTokens, @duration, @tools, @input, @output, @cacheRead, @cacheCreation)
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
            @ToolCallCount, @ToolCalls, @OpenLooseEndsCount, @OpenRemindersCount, @ReportedCostUsd)
        """;
}
