namespace Hive.Benchmarks;

/// <summary>The settings of a run, and the place of its results.</summary>
internal sealed record Plan(
    Scratch Scratch,
    Generator Generator,
    string HostPath,
    string? BeforePath,
    int OpenTasks,
    int Rounds,
    TimeSpan Measured,
    TimeSpan Idle,
    IReadOnlyList<string> Hostile,
    Report Report
);
