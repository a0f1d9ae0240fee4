using System.Globalization;
using Xunit.v3;

namespace Hive.Tests.Fixture;

/// <summary>The ring of tests that runs, and the seed of its random tests (docs/testing.md).</summary>
internal static class Ring
{
    // The first ring is the same at each run.
    private const int FixedSeed = 20260131;

    /// <summary>True in the long ring (<c>./test --long</c>), which tries everything.</summary>
    public static bool IsLong { get; } = Environment.GetEnvironmentVariable("HIVE_TEST_RING") == "long";

    /// <summary>The seed of random tests: of the run in the long ring, fixed in the first one.</summary>
    public static int Seed { get; } =
        int.TryParse(Environment.GetEnvironmentVariable("HIVE_TEST_SEED"), CultureInfo.InvariantCulture, out var seed)
            ? seed
            : FixedSeed;

    /// <summary>The first or the second number, by the ring.</summary>
    public static int Count(int first, int inLong) => IsLong ? inLong : first;

    /// <summary>All rows in the long ring; in the first one some of them, from the first to the last at equal
    /// distances.</summary>
    public static IReadOnlyList<T> Sample<T>(IEnumerable<T> rows, int count)
    {
        var all = rows.ToArray();
        return IsLong || all.Length <= count
            ? all
            : [.. Enumerable.Range(0, count).Select(i => all[count == 1 ? 0 : i * (all.Length - 1) / (count - 1)])];
    }

    /// <summary>Random numbers that the seed decides.</summary>
    /// <param name="part">Which of the test's sequences it is.</param>
    public static Random Random(int part = 0) => new(HashCode(Seed, part));

    // Unlike System.HashCode the same in each process.
    private static int HashCode(int seed, int part) => unchecked((seed * 397) ^ (part * 7919));
}

/// <summary>A test, or each test of a class, that runs in the long ring alone. <c>tests/long.map</c> names the
/// class.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class LongAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("ring", "long")];
}

/// <summary>A test, or each test of a class, that runs in both rings and tries more in the long one.
/// <c>tests/long.map</c> names the class.</summary>
[AttributeUsage(AttributeTargets.Class | AttributeTargets.Method)]
internal sealed class SampledAttribute : Attribute, ITraitAttribute
{
    public IReadOnlyCollection<KeyValuePair<string, string>> GetTraits() => [new("ring", "sampled")];
}
