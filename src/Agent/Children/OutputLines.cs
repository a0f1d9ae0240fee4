using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hive.Agent.Children;

/// <summary>A line that a program wrote, without its newline.</summary>
/// <param name="Bytes">Empty when the line was too long.</param>
/// <param name="Skipped">
/// How many bytes were passed over because the line was too long; 0 for one that was read.
/// </param>
internal readonly record struct OutputLine(byte[] Bytes, long Skipped = 0)
{
    /// <summary>As text, whatever it holds.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes).Replace('\0', '\uFFFD');
}

/// <summary>Reads what a program writes line by line, in bounded memory.</summary>
internal static class OutputLines
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>Every line until the end; the last need not end with a newline.</summary>
    /// <param name="stream">What the program writes to.</param>
    /// <param name="longest">A line of more bytes is passed over, and never held.</param>
    /// <param name="alive">Called whenever something came, also in the middle of a line.</param>
    /// <param name="ct">Ends the reading.</param>
    public static async IAsyncEnumerable<OutputLine> ReadAsync(
        Stream stream,
        int longest,
        Action? alive,
        [EnumeratorCancellation] CancellationToken ct
    )
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: BufferBytes, leaveOpen: true));
        var skipped = 0L;
        try
        {
            while (true)
            {
                var read = await reader.ReadAsync(ct);
                alive?.Invoke();
                var rest = read.Buffer;
                while (rest.PositionOf((byte)'\n') is { } newline)
                {
                    var line = rest.Slice(0, newline);
                    rest = rest.Slice(rest.GetPosition(1, newline));
                    skipped += line.Length;
                    yield return skipped > longest ? new OutputLine([], skipped) : new OutputLine(WithoutReturn(line));
                    skipped = 0;
                }

                if (read.IsCompleted)
                {
                    skipped += rest.Length;
                    if (skipped > longest)
                        yield return new OutputLine([], skipped);
                    else if (rest.Length > 0)
                        yield return new OutputLine(WithoutReturn(rest));
                    yield break;
                }

                if (skipped > 0 || rest.Length > longest)
                {
                    skipped += rest.Length;
                    rest = rest.Slice(rest.End);
                }

                reader.AdvanceTo(rest.Start, rest.End);
            }
        }
        finally
        {
            await reader.CompleteAsync();
        }
    }

    private static byte[] WithoutReturn(ReadOnlySequence<byte> line)
    {
        var bytes = line.ToArray();
        return bytes is [.., (byte)'\r'] ? bytes[..^1] : bytes;
    }
}
