using System.Data.Common;
using Dapper;
using Hive.Features.Messages.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Turns;

/// <summary>Sums over one agent's turns.</summary>
/// <param name="Name">The agent.</param>
/// <param name="Turns">How many.</param>
/// <param name="Failed">How many of them failed, had a prompt that was too long, or were lost.</param>
/// <param name="InputTokens">Of all turns.</param>
/// <param name="OutputTokens">Of all turns.</param>
/// <param name="CacheReadInputTokens">Of all turns.</param>
/// <param name="CacheCreationInputTokens">Of all turns.</param>
/// <param name="CostUsd">By the price table, of the turns whose model it knows.</param>
/// <param name="DurationMs">Of all turns.</param>
/// <param name="ToolCallCount">Of all turns.</param>
/// <param name="UnpricedTurns">How many used tokens of a model that is not in the price table.</param>
internal sealed record AgentStats(
    string Name,
    long Turns,
    long Failed,
    long InputTokens,
    long OutputTokens,
    long CacheReadInputTokens,
    long CacheCreationInputTokens,
    double CostUsd,
    long DurationMs,
    long ToolCallCount,
    long UnpricedTurns
);

/// <summary>Sums over the turns of a bucket of time.</summary>
/// <param name="At">The start of the bucket.</param>
/// <param name="Turns">How many turns ended in it.</param>
/// <param name="Failed">How many of them failed, had a prompt that was too long, or were lost.</param>
/// <param name="InputTokens">Of all turns.</param>
/// <param name="OutputTokens">Of all turns.</param>
/// <param name="CacheReadInputTokens">Of all turns.</param>
/// <param name="CacheCreationInputTokens">Of all turns.</param>
/// <param name="CostUsd">By the price table, of the turns whose model it knows.</param>
/// <param name="DurationMs">Of all turns.</param>
internal sealed record StatsBucket(
    DateTimeOffset At,
    long Turns,
    long Failed,
    long InputTokens,
    long OutputTokens,
    long CacheReadInputTokens,
    long CacheCreationInputTokens,
    double CostUsd,
    long DurationMs
);

/// <summary>The turn that took longest.</summary>
/// <param name="Id">The turn.</param>
/// <param name="Agent">Its agent.</param>
/// <param name="DurationMs">How long it took.</param>
internal sealed record SlowestTurn(long Id, string Agent, long DurationMs)
{
    /// <summary>The slowest turn between two times (unix milliseconds), both included; of several the first.</summary>
    public static SlowestTurn? Read(DbConnection db, long from, long to, string? agent) =>
        db.QueryFirstOrDefault<SlowestTurn>(
            """
            SELECT id AS Id, agent AS Agent, duration_ms AS DurationMs
              FROM turn_stats INDEXED BY turn_stats_sums
             WHERE at BETWEEN @from AND @to AND (@agent IS NULL OR agent = @agent) AND duration_ms IS NOT NULL
             ORDER BY duration_ms DESC, id
             LIMIT 1
            """,
            new
            {
                from,
                to,
                agent,
            }
        );
}

/// <summary>Sums over turns, by agent, model and slot of time.</summary>
internal sealed record TurnSums
{
    /// <summary>The span by which turns are added up when they end, in milliseconds.</summary>
    public const long Hour = 60L * 60 * 1000;

    public required long Slot { get; init; }

    public required string Agent { get; init; }

    public string? Model { get; init; }

    public long Turns { get; init; }

    public long Failed { get; init; }

    public long WithTokens { get; init; }

    public long DurationMs { get; init; }

    public long ToolCallCount { get; init; }

    public long Input { get; init; }

    public long Output { get; init; }

    public long CacheRead { get; init; }

    public long CacheCreation { get; init; }

    /// <summary>Adds up the turns between two times (unix milliseconds), both included.</summary>
    /// <param name="db">The database.</param>
    /// <param name="from">The start of slot 0.</param>
    /// <param name="to">The end.</param>
    /// <param name="slot">The length of a slot. Slots of whole hours that start at a whole hour use the hourly
    /// sums.</param>
    /// <param name="agent">Only this agent; null for all.</param>
    public static TurnSums[] Read(DbConnection db, long from, long to, long slot, string? agent) =>
        [
            .. db.Query<TurnSums>(
                from % Hour == 0 && slot % Hour == 0 ? ByHour : ByTurn,
                new
                {
                    from,
                    to,
                    slot,
                    agent,
                    failed = TurnResult.Failed,
                    tooLong = TurnResult.PromptTooLong,
                    lost = TurnResult.Lost,
                }
            ),
        ];

    /// <summary>One row for each agent, by name.</summary>
    public static IReadOnlyList<AgentStats> ByAgent(IEnumerable<TurnSums> sums, PriceTable prices) =>
        [
            .. sums.GroupBy(s => s.Agent)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new AgentStats(
                    g.Key,
                    g.Sum(s => s.Turns),
                    g.Sum(s => s.Failed),
                    g.Sum(s => s.Input),
                    g.Sum(s => s.Output),
                    g.Sum(s => s.CacheRead),
                    g.Sum(s => s.CacheCreation),
                    g.Sum(s => s.Cost(prices)),
                    g.Sum(s => s.DurationMs),
                    g.Sum(s => s.ToolCallCount),
                    g.Sum(s => prices.Of(s.Model) is null ? s.WithTokens : 0)
                )),
        ];

    /// <summary>A row for every slot, also for slots without a turn.</summary>
    public static IReadOnlyList<StatsBucket> BySlot(
        IEnumerable<TurnSums> sums,
        PriceTable prices,
        long from,
        long slot,
        int count
    )
    {
        var bySlot = sums.ToLookup(s => s.Slot);
        return
        [
            .. Enumerable
                .Range(0, count)
                .Select(i =>
                    bySlot[i]
                        .Aggregate(
                            new StatsBucket(
                                DateTimeOffset.FromUnixTimeMilliseconds(from + (i * slot)),
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0,
                                0
                            ),
                            (bucket, s) =>
                                bucket with
                                {
                                    Turns = bucket.Turns + s.Turns,
                                    Failed = bucket.Failed + s.Failed,
                                    InputTokens = bucket.InputTokens + s.Input,
                                    OutputTokens = bucket.OutputTokens + s.Output,
                                    CacheReadInputTokens = bucket.CacheReadInputTokens + s.CacheRead,
                                    CacheCreationInputTokens = bucket.CacheCreationInputTokens + s.CacheCreation,
                                    CostUsd = bucket.CostUsd + s.Cost(prices),
                                    DurationMs = bucket.DurationMs + s.DurationMs,
                                }
                        )
                ),
        ];
    }

    private double Cost(PriceTable prices) =>
        prices.CostOf(Model, new Tokens(Input, Output, CacheRead, CacheCreation)) ?? 0;

    private const string ByHour = """
        SELECT (hour - @from) / @slot AS Slot, agent, nullif(model, '') AS model, sum(turns) AS Turns,
               sum(failed) AS Failed,
               sum(with_tokens) AS WithTokens,
               sum(duration_ms) AS DurationMs,
               sum(tool_call_count) AS ToolCallCount,
               sum(input_tokens) AS Input,
               sum(output_tokens) AS Output,
               sum(cache_read_input_tokens) AS CacheRead,
               sum(cache_creation_input_tokens) AS CacheCreation
          FROM turn_hours
         WHERE hour BETWEEN @from AND @to AND (@agent IS NULL OR agent = @agent)
         GROUP BY 1, 2, 3
        HAVING sum(turns) > 0
        """;

    private const string ByTurn = """
        SELECT (at - @from) / @slot AS Slot, agent, model, count(*) AS Turns,
               sum(result IN (@failed, @tooLong, @lost)) AS Failed,
               sum(coalesce(input_tokens, output_tokens,
                            cache_read_input_tokens, cache_creation_input_tokens) IS NOT NULL) AS WithTokens,
               coalesce(sum(duration_ms), 0) AS DurationMs,
               coalesce(sum(tool_call_count), 0) AS ToolCallCount,
               coalesce(sum(input_tokens), 0) AS Input,
               coalesce(sum(output_tokens), 0) AS Output,
               coalesce(sum(cache_read_input_tokens), 0) AS CacheRead,
               coalesce(sum(cache_creation_input_tokens), 0) AS CacheCreation
          FROM turn_stats INDEXED BY turn_stats_sums
         WHERE at BETWEEN @from AND @to AND (@agent IS NULL OR agent = @agent)
         GROUP BY 1, 2, 3
        """;
}
