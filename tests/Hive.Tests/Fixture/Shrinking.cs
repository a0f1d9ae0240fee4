namespace Hive.Tests.Fixture;

/// <summary>Shortens a history of steps that a property fails on.</summary>
internal static class Shrinking
{
    /// <summary>The history without a half, a quarter, … a single step.</summary>
    public static IEnumerable<T[]> Smaller<T>(T[] steps)
    {
        for (var length = steps.Length; length > 0; length /= 2)
        {
            for (var from = 0; from + length <= steps.Length; from += length)
                yield return [.. steps[..from], .. steps[(from + length)..]];
        }
    }
}
