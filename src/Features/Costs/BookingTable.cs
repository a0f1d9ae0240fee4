using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;

namespace Hive.Features.Costs;

/// <summary>A row of <c>bookings</c>, read with <see cref="Columns"/>.</summary>
internal sealed record Booking
{
    public const string Columns =
        "id, turn, agent, ticket, phase, task, task_type, run, provider, model, prompt_tokens, completion_tokens, "
        + "cache_read_tokens, cache_creation_tokens, micro, completion_micro, basis, at";

    public long Id { get; init; }

    public required long Turn { get; init; }

    public required string Agent { get; init; }

    public long? Ticket { get; init; }

    public string? Phase { get; init; }

    public long? Task { get; init; }

    public string? TaskType { get; init; }

    public long? Run { get; init; }

    public required string Provider { get; init; }

    public string? Model { get; init; }

    public required long PromptTokens { get; init; }

    public required long CompletionTokens { get; init; }

    public required long CacheReadTokens { get; init; }

    public required long CacheCreationTokens { get; init; }

    public required long Micro { get; init; }

    public long? CompletionMicro { get; init; }

    public required string Basis { get; init; }

    public required long At { get; init; }

    public long AllTokens => PromptTokens + CompletionTokens + CacheReadTokens + CacheCreationTokens;

    public Tokens Tokens => new(PromptTokens, CompletionTokens, CacheReadTokens, CacheCreationTokens);

    public BudgetSubject Subject => new(Agent, Ticket, Phase, TaskType);

    public CostRecord ToRecord() =>
        new(
            Id,
            Turn,
            Agent,
            Provider,
            PromptTokens,
            CompletionTokens,
            CacheReadTokens,
            CacheCreationTokens,
            Money.Usd(Micro),
            Basis,
            DateTimeOffset.FromUnixTimeMilliseconds(At),
            Model,
            Ticket,
            Phase,
            Task,
            TaskType
        );
}

/// <summary>Reads and writes rows of bookings; it decides nothing.</summary>
internal static class BookingTable
{
    /// <summary>All tokens of a row.</summary>
    public const string TokensSql = "prompt_tokens + completion_tokens + cache_read_tokens + cache_creation_tokens";

    public static void Insert(IWrite write, Booking booking) => write.Db.Execute(InsertSql, booking);

    /// <summary>Removes the bookings of a turn.</summary>
    public static List<Booking> Remove(IWrite write, long turn) =>
        write
            .Db.Query<Booking>($"DELETE FROM bookings WHERE turn = @turn RETURNING {Booking.Columns}", new { turn })
            .OrderBy(b => b.Id)
            .ToList();

    /// <summary>The cost and the tokens that were booked on a scope since a moment and before another.</summary>
    public static (long Micro, long Tokens) Sum(
        DbConnection db,
        string scope,
        string scopeId,
        long since,
        long before
    ) =>
        db.QuerySingle<(long, long)>(
            $"""
            SELECT coalesce(sum(micro), 0), coalesce(sum({TokensSql}), 0)
              FROM bookings
             WHERE at >= @since AND at < @before AND {Condition(scope)}
            """,
            new
            {
                since,
                before,
                id = IdOf(scope, scopeId),
            }
        );

    /// <summary>The bookings of a scope, added up.</summary>
    public static CostSummary Summary(DbConnection db, string scope, string scopeId)
    {
        var models = db.Query<ModelSum>(
                $"""
                SELECT provider, model, sum(micro) AS Micro, sum({TokensSql}) AS Tokens, count(*) AS Records,
                       sum(iif(basis = '{CostBasis.Assumed}', micro, 0)) AS Assumed,
                       sum(iif(basis = '{CostBasis.Uncounted}', 1, 0)) AS Uncounted
                  FROM bookings
                 WHERE {Condition(scope)}
                 GROUP BY provider, model
                 ORDER BY Micro DESC, provider, model
                """,
                new { id = IdOf(scope, scopeId) }
            )
            .AsList();
        return new CostSummary(
            scope,
            Money.Usd(models.Sum(m => m.Micro)),
            Money.Usd(models.Sum(m => m.Assumed)),
            models.Sum(m => m.Tokens),
            models.Sum(m => m.Records),
            models.Sum(m => m.Uncounted),
            [.. models.Select(m => new ModelCost(m.Provider, Money.Usd(m.Micro), m.Tokens, m.Records, m.Model))],
            scope == BudgetScope.Global ? null : scopeId
        );
    }

    /// <summary>The bookings of a scope, the newest first.</summary>
    public static List<Booking> Newest(DbConnection db, string scope, string scopeId, long before, int limit) =>
        db.Query<Booking>(
                $"""
                SELECT {Booking.Columns}
                  FROM bookings
                 WHERE id < @before AND {Condition(scope)}
                 ORDER BY id DESC
                 LIMIT @limit
                """,
                new
                {
                    before,
                    limit,
                    id = IdOf(scope, scopeId),
                }
            )
            .AsList();

    /// <summary>The bookings of each agent since a moment and before another, added up.</summary>
    public static List<(string Agent, long Micro)> ByAgent(DbConnection db, long since, long before) =>
        db.Query<(string, long)>(
                """
                SELECT agent, sum(micro)
                  FROM bookings INDEXED BY bookings_at
                 WHERE at >= @since AND at < @before
                 GROUP BY agent
                """,
                new { since, before }
            )
            .AsList();

    // The column decides the rows; the scope is one of the known ones.
    private static string Condition(string scope) => scope == BudgetScope.Global ? "@id IS NULL" : $"{scope} = @id";

    private static object? IdOf(string scope, string id) =>
        scope switch
        {
            BudgetScope.Global => null,
            BudgetScope.Ticket or CostScope.Task => long.Parse(id, NumberStyles.None, CultureInfo.InvariantCulture),
            _ => id,
        };

    private const string InsertSql = """
        INSERT INTO bookings (
            turn, agent, ticket, phase, task, task_type, run, provider, model, prompt_tokens, completion_tokens,
            cache_read_tokens, cache_creation_tokens, micro, completion_micro, basis, at)
        VALUES (
            @Turn, @Agent, @Ticket, @Phase, @Task, @TaskType, @Run, @Provider, @Model, @PromptTokens,
            @CompletionTokens, @CacheReadTokens, @CacheCreationTokens, @Micro, @CompletionMicro, @Basis, @At)
        """;

    private sealed record ModelSum
    {
        public required string Provider { get; init; }

        public string? Model { get; init; }

        public required long Micro { get; init; }

        public required long Tokens { get; init; }

        public required long Records { get; init; }

        public required long Assumed { get; init; }

        public required long Uncounted { get; init; }
    }
}

/// <summary>The scopes whose costs can be added up: those of budgets, and one task.</summary>
internal static class CostScope
{
    public const string Task = "task";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [.. BudgetScope.All, Task];
}
