using System.Globalization;

namespace Hive.Common.Notifications;

/// <summary>A place in the stream: <c>&lt;epoch&gt;-&lt;seq&gt;</c>, where the epoch is one run of the host and seq
/// rises by one with each event.</summary>
public readonly record struct Cursor(string Epoch, long Seq)
{
    /// <summary>Parses a cursor that a client sends back.</summary>
    /// <returns>Null for a text that is not a cursor.</returns>
    public static Cursor? Parse(string? text)
    {
        var dash = text?.LastIndexOf('-') ?? -1;
        return
            dash > 0
            && long.TryParse(text.AsSpan(dash + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var seq)
            ? new Cursor(text![..dash], seq)
            : null;
    }

    /// <inheritdoc />
    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Epoch}-{Seq}");
}
