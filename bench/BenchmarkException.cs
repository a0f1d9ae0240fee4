namespace Hive.Benchmarks;

/// <summary>A figure could not be measured, or a guarantee did not hold; the message names the cause.</summary>
internal sealed class BenchmarkException(string message) : Exception(message);
