namespace Hive.Benchmarks;

/// <summary>What to measure with, and where the results go.</summary>
internal sealed record Plan(
    Scratch Scratch,
    Generator Generator,
    string HostPath,
    int Rounds,
    TimeSpan Measured,
    TimeSpan Idle,
    Report Report
);
