namespace Hive.Benchmarks;

/// <summary>A figure could not be measured, or what was promised did not hold; the message says which and
/// why.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
