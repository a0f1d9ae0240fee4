using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;

namespace Hive.Features.Gates;

/// <summary>A measured figure of a task.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Task">The task.</param>
/// <param name="Type">One of <see cref="MetricTable.Types"/>.</param>
/// <param name="Name">Its name, such as <c>test_coverage_percentage</c>.</param>
/// <param name="Value">The figure.</param>
/// <param name="Passed">It is within its threshold, or has none.</param>
/// <param name="At">When it was recorded.</param>
/// <param name="Threshold">The bound: the most for lint and complexity, the least for the others.</param>
internal record Metric(
    long Id,
    long Task,
    string Type,
    string Name,
    double Value,
    bool Passed,
    DateTimeOffset At,
    double? Threshold = null
);

/// <summary>Stores metrics and reads them.</summary>
internal static class MetricTable
{
    /// <summary>The type of a metric whose name tells none.</summary>
    public const string Other = "other";

    /// <summary>The types of metrics.</summary>
    public static readonly IReadOnlyList<string> Types =
    [
        "coverage",
        "lint",
        "complexity",
        "security",
        "performance",
        "documentation",
        Other,
    ];

    private static readonly string[] LowerIsBetter = ["lint", "complexity"];

    private const string Columns = "id, task, type, name, value, threshold, passed, at";

    /// <summary>The type that a name tells, such as <c>lint</c> for <c>lint_error_count</c>.</summary>
    public static string TypeOf(string name) =>
        Types.FirstOrDefault(type => name.Contains(type, StringComparison.OrdinalIgnoreCase)) ?? Other;

    /// <summary>Stores the metrics of a task that ends.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: a metric is wrong, or there are too many.</exception>
    public static void Add(IWrite write, long task, IReadOnlyDictionary<string, double> metrics, DateTimeOffset now)
    {
        if (MetricRules.Fault(metrics) is { } fault)
            throw Problem.Invalid(fault);
        foreach (var (name, value) in metrics)
            Add(write, task, TypeOf(name), name, value, null, now);
    }

    /// <summary>Stores a metric.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: it is wrong.</exception>
    public static Metric Add(
        IWrite write,
        long task,
        string type,
        string name,
        double value,
        double? threshold,
        DateTimeOffset now
    )
    {
        if (MetricRules.Fault(name, value) is { } fault)
            throw Problem.Invalid(fault);
        var passed = threshold is not { } bound || (LowerIsBetter.Contains(type) ? value <= bound : value >= bound);
        var at = now.ToUnixTimeMilliseconds();
        var id = write.Db.QuerySingle<long>(
            """
            INSERT INTO metrics (task, type, name, value, threshold, passed, at)
            VALUES (@task, @type, @name, @value, @threshold, @passed, @at)
            RETURNING id
            """,
            new
            {
                task,
                type,
                name,
                value,
                threshold,
                passed,
                at,
            }
        );
        return new Metric(id, task, type, name, value, passed, DateTimeOffset.FromUnixTimeMilliseconds(at), threshold);
    }

    /// <summary>The metrics of a task, the newest first.</summary>
    public static IReadOnlyList<Metric> Of(DbConnection db, long task, int limit = -1, long? before = null) =>
        [
            .. db.Query<Row>(
                    $"""
                    SELECT {Columns}
                      FROM metrics
                     WHERE task = @task AND (@before IS NULL OR id < @before)
                     ORDER BY id DESC
                     LIMIT @limit
                    """,
                    new
                    {
                        task,
                        before,
                        limit,
                    }
                )
                .Select(row => row.ToMetric()),
        ];

    /// <summary>The newest metrics of all tasks.</summary>
    public static IReadOnlyList<Metric> Newest(DbConnection db, int limit) =>
        [
            .. db.Query<Row>($"SELECT {Columns} FROM metrics ORDER BY id DESC LIMIT @limit", new { limit })
                .Select(row => row.ToMetric()),
        ];

    /// <summary>The metrics of a deleted task.</summary>
    public static LeftRows Left { get; } =
        new(
            "metrics",
            $"SELECT id FROM metrics WHERE task = @id LIMIT {ManyRows.PerWrite}",
            "DELETE FROM metrics WHERE id = @key"
        );

    public static void RemoveOf(IWrite write, IReadOnlyCollection<long> tasks)
    {
        var measured = write
            .Db.Query<long>(
                "SELECT value FROM json_each(@tasks) WHERE EXISTS (SELECT 1 FROM metrics WHERE task = value)",
                new { tasks = $"[{string.Join(',', tasks)}]" }
            )
            .AsList();
        Leftovers.Note(write, Left, measured);
    }

    private sealed record Row
    {
        public required long Id { get; init; }

        public required long Task { get; init; }

        public required string Type { get; init; }

        public required string Name { get; init; }

        public required double Value { get; init; }

        public double? Threshold { get; init; }

        public required long Passed { get; init; }

        public required long At { get; init; }

        public Metric ToMetric() =>
            new(Id, Task, Type, Name, Value, Passed != 0, DateTimeOffset.FromUnixTimeMilliseconds(At), Threshold);
    }
}
