using System.Globalization;
using System.Text;

namespace Hive.Common.Storage;

/// <summary>Reads a column of whatever type it is stored as, since SQLite keeps any value in any column: one odd value
/// must not hide the rows beside it.</summary>
public static class LooseValue
{
    private static readonly long First = DateTimeOffset.MinValue.ToUnixTimeMilliseconds();
    private static readonly long Last = DateTimeOffset.MaxValue.ToUnixTimeMilliseconds();

    /// <summary>A number, or null; what is not a number is 0.</summary>
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

    /// <summary>A text, or null.</summary>
    public static string? Text(object? value) =>
        value switch
        {
            null or DBNull => null,
            string text => text,
            byte[] bytes => Encoding.UTF8.GetString(bytes),
            _ => Convert.ToString(value, CultureInfo.InvariantCulture),
        };

    /// <summary>The instant of unix milliseconds; the nearest there is where they are out of range.</summary>
    public static DateTimeOffset Instant(long milliseconds) =>
        DateTimeOffset.FromUnixTimeMilliseconds(Math.Clamp(milliseconds, First, Last));
}
