using System.Text;

namespace Hive.Runtimes.Logs;

/// <summary>Splits text that comes in pieces into lines, and cuts a line that is too long.</summary>
internal sealed class LineText
{
    /// <summary>The longest line, and the most bytes that may be added at once.</summary>
    public const int MaxLine = 64 << 10;

    private readonly Decoder decoder = Encoding.UTF8.GetDecoder();
    private readonly char[] chars = new char[MaxLine + 1];
    private string rest = "";

    public string[] Add(ReadOnlySpan<byte> bytes)
    {
        var length = decoder.GetChars(bytes, chars, flush: false);
        var parts = (rest + new string(chars, 0, length)).Split('\n');
        rest = parts[^1];
        if (rest.Length < MaxLine)
            return parts[..^1];
        rest = "";
        return parts;
    }

    /// <summary>Takes the last line when it has no end; null when there is none.</summary>
    public string? End()
    {
        var last = rest;
        rest = "";
        return last.Length > 0 ? last : null;
    }
}
