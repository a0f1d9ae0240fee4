using System.Globalization;

namespace Hive.Protocol;

/// <summary>A number with its noun.</summary>
public static class Counted
{
    /// <summary><c>1 agent</c>, <c>2 agents</c>.</summary>
    /// <param name="count">How many.</param>
    /// <param name="noun">The singular of a noun whose plural ends in s.</param>
    public static string Of(long count, string noun) =>
        string.Create(CultureInfo.InvariantCulture, $"{count} {noun}{(count == 1 ? "" : "s")}");
}
