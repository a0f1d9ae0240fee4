using System.Buffers.Binary;
using System.Text;
using Hive.Runtimes.Logs;

namespace Hive.Runtimes.ContainerApi;

/// <summary>A line a container has printed.</summary>
/// <param name="Stamp">The time as the daemon writes it; null when it was not asked for.</param>
/// <param name="Text">The line.</param>
internal readonly record struct OutputLine(string? Stamp, string Text);

/// <summary>
/// Splits a container's output into lines. The daemon sends both streams in frames: a byte for the stream, three unused
/// bytes, four for the length, and the text. The network may cut the frames anywhere.
/// </summary>
/// <param name="stamped">The text of each frame begins with the time and a blank.</param>
internal sealed class OutputDecoder(bool stamped = false)
{
    private const int HeaderBytes = 8;
    private const byte ErrorStream = 2;

    // Longer than any time stamp; a frame without a blank until then has none.
    private const int MaxStamp = 64;

    private readonly byte[] header = new byte[HeaderBytes];
    private readonly StringBuilder stamp = new();
    private readonly LineText output = new();
    private readonly LineText error = new();
    private int headerFilled;
    private uint left;
    private bool inStamp;

    /// <summary>Adds bytes, and returns the lines that they complete.</summary>
    public IReadOnlyList<OutputLine> Add(ReadOnlySpan<byte> bytes)
    {
        List<OutputLine> lines = [];
        while (bytes.Length > 0)
        {
            if (left == 0)
                bytes = bytes[Begin(bytes)..];
            else if (inStamp)
                bytes = bytes[AddStamp(bytes)..];
            else
                bytes = bytes[AddText(bytes, lines)..];
        }

        return lines;
    }

    /// <summary>Takes the last lines that have no end.</summary>
    public IReadOnlyList<OutputLine> End() =>
        [.. new[] { output.End(), error.End() }.OfType<string>().Select(text => new OutputLine(Stamp, text))];

    private string? Stamp => stamped ? stamp.ToString() : null;

    private int Begin(ReadOnlySpan<byte> bytes)
    {
        var taken = Math.Min(HeaderBytes - headerFilled, bytes.Length);
        bytes[..taken].CopyTo(header.AsSpan(headerFilled));
        headerFilled += taken;
        if (headerFilled < HeaderBytes)
            return taken;
        headerFilled = 0;
        left = BinaryPrimitives.ReadUInt32BigEndian(header.AsSpan(4));
        inStamp = stamped;
        stamp.Clear();
        return taken;
    }

    private int AddStamp(ReadOnlySpan<byte> bytes)
    {
        var next = (char)bytes[0];
        left--;
        inStamp = next != ' ' && stamp.Length < MaxStamp;
        if (inStamp)
            stamp.Append(next);
        return 1;
    }

    private int AddText(ReadOnlySpan<byte> bytes, List<OutputLine> lines)
    {
        var taken = (int)Math.Min(left, Math.Min(bytes.Length, LineText.MaxLine));
        foreach (var line in (header[0] == ErrorStream ? error : output).Add(bytes[..taken]))
            lines.Add(new OutputLine(Stamp, line));
        left -= (uint)taken;
        return taken;
    }
}
