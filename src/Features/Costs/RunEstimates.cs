using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Costs;

/// <summary>Estimates what a run will cost: the median of the last runs of its task type, or what the task's template
/// says when that is more; with neither, 5,000 tokens at the price of the agent's model, half of them output.</summary>
internal sealed class RunEstimates(
    IPrices prices,
    IHarnessStates harnesses,
    IRoster roster,
    Lazy<IEnumerable<IBudgetedWork>> work
)
{
    /// <summary>The tokens of a task of which nothing is known. Source: OmoiOS's <c>cost_models.yaml</c>.</summary>
    public const long UsualTokens = 5_000;

    /// <summary>The factor on every estimate. Source: OmoiOS's <c>cost_models.yaml</c>.</summary>
    public const double Buffer = 1.2;

    private const int Runs = 20;
    private const int MostTypes = 1_000;

    // Of the writer's thread.
    private readonly Dictionary<string, (long Micro, long Tokens)?> medians = new(StringComparer.Ordinal);

    /// <summary>The estimate of a run in millionths of a US dollar and in tokens, with the buffer. Inside a
    /// write.</summary>
    public (long Micro, long Tokens) Of(DbConnection db, BudgetSubject subject, long? templateMicro)
    {
        var median = subject.TaskType is { } type ? MedianOf(db, type) : null;
        var micro =
            median is null && templateMicro is null
                ? UsualMicro(subject.Agent)
                : Math.Max(median?.Micro ?? 0, templateMicro ?? 0);
        return (Buffered(micro), Buffered(median?.Tokens ?? UsualTokens));
    }

    /// <summary>The runs of a task type have changed in this write.</summary>
    public void Forget(IWrite write, string type)
    {
        medians.Remove(type);
        write.OnRollback(() => medians.Remove(type));
    }

    /// <summary>The median of the last runs of a task type that have ended; null when none has figures.</summary>
    public static (long Micro, long Tokens)? Median(DbConnection db, string type, IReadOnlyList<long> open)
    {
        var args = new
        {
            type,
            Runs,
            open = JsonSerializer.Serialize(open),
        };
        var runs = db.Query<(long Micro, long Tokens)>(MedianSql, args).AsList();
        return runs.Count == 0
            ? null
            : (Middle([.. runs.Select(r => r.Micro)]), Middle([.. runs.Select(r => r.Tokens)]));
    }

    private (long Micro, long Tokens)? MedianOf(DbConnection db, string type)
    {
        if (medians.TryGetValue(type, out var known))
            return known;
        if (medians.Count >= MostTypes)
            medians.Clear();
        return medians[type] = Median(db, type, [.. work.Value.SelectMany(one => one.OpenRuns)]);
    }

    private long UsualMicro(string? agent) =>
        TurnPrices
            .Of(
                prices,
                agent is null ? null : harnesses.Of(agent).Model ?? roster.Find(agent)?.ActiveModel,
                new Tokens(UsualTokens / 2, UsualTokens / 2, 0, 0),
                null
            )
            .Micro;

    private static long Buffered(long estimate) => (long)Math.Ceiling(estimate * Buffer);

    private static long Middle(long[] values)
    {
        Array.Sort(values);
        var half = values.Length / 2;
        return values.Length % 2 == 1 ? values[half] : (values[half - 1] + values[half]) / 2;
    }

    private const string MedianSql = $"""
        SELECT sum(micro), sum({BookingTable.TokensSql})
          FROM bookings INDEXED BY bookings_type
         WHERE task_type = @type AND run IS NOT NULL AND basis <> '{CostBasis.Uncounted}'
           AND run NOT IN (SELECT run FROM reservations UNION SELECT value FROM json_each(@open))
         GROUP BY run
         ORDER BY run DESC
         LIMIT @Runs
        """;
}
