using System.Globalization;
using System.Text;

namespace Hive.Common.Storage;

/// <summary>Reads a column whatever its stored type, since SQLite keeps any value in any column: one odd value must not
/// hide the other rows.</summary>
public static class LooseValue
{
    private static readonly long First = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long Last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>The value as a number; null stays null, and anything else that is not a number becomes 0.</summary>
    public static long? Long(object? value) =>
        value switch
        {
            null or DBNull => null,
            long number => number,
            string text
                when long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) =>
                number,
            _ => 0,
        };

    /// <summary>The value as text; null stays null.</summary>
    public static string? Text(object? value) =>
        value switch
        {
            null or DBNull => null,
            string text => text,
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

    /// <summary>The instant of unix milliseconds; values out of range become the nearest instant.</summary>
    public static DateTimeOffset Instant(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, First, Last));
}
