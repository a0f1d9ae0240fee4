namespace Hive.Features.Tasks.Contracts;

/// <summary>The rules for a metric of a task.</summary>
internal static class MetricRules
{
    /// <summary>The longest name, in characters.</summary>
    public const int NameLength = 100;

    /// <summary>The most metrics that come with the end of a task.</summary>
    public const int PerTask = 50;

    /// <summary>Says what is wrong with a metric; null when nothing is.</summary>
    public static string? Fault(string name, double value) =>
        string.IsNullOrWhiteSpace(name) || name.Length > NameLength || name.Any(char.IsControl)
            ? $"a metric's name must have 1 to {NameLength} characters without control characters; correct it"
        : !double.IsFinite(value) ? $"the metric '{name}' is not a finite number; correct it"
        : null;

    /// <summary>Says what is wrong with the metrics that come with the end of a task; null when nothing is.</summary>
    public static string? Fault(IReadOnlyDictionary<string, double> metrics) =>
        metrics.Count > PerTask
            ? $"'metrics' has {metrics.Count} figures; the limit is {PerTask}; hand in fewer"
            : metrics.Select(metric => Fault(metric.Key, metric.Value)).FirstOrDefault(fault => fault is not null);
}
