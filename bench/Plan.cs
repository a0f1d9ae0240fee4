namespace Hive.Benchmarks;

/// <summary>The servers and scratch folder of a run, and where the results go.</summary>
internal sealed record Plan(
    Scratch Scratch,
    Generator Generator,
    string HostPath,
    int Rounds,
    TimeSpan Measured,
    TimeSpan Idle,
    Report Report
);
