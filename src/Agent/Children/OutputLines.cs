using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;
using System.Text;

namespace Hive.Agent.Children;

/// <summary>A line that a program wrote, without its newline.</summary>
/// <param name="Bytes">The line; empty when it was too long.</param>
/// <param name="Skipped">The length of a line that was too long, else 0.</param>
internal readonly record struct OutputLine(byte[] Bytes, long Skipped = 0)
{
    /// <summary>The line as text, with invalid bytes and NUL replaced.</summary>
    public string Text => Encoding.UTF8.GetString(Bytes).Replace('\0', '\uFFFD');
}

/// <summary>Reads what a program writes line by line, in bounded memory.</summary>
internal static class OutputLines
{
    private const int BufferBytes = 64 * 1024;

    /// <summary>Reads all lines; the last need not end with a newline.</summary>
    /// <param name="stream">The program's output.</param>
    /// <param name="longest">Longer lines are skipped and never held in memory.</param>
    /// <param name="onRead">Called after each read, also in the middle of a line.</param>
    /// <param name="ct">Cancels the reading.</param>
    public static async IAsyncEnumerable<OutputLine> ReadAsync(
        Stream stream,
        int longest,
        Action? onRead,
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
                onRead?.Invoke();
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
