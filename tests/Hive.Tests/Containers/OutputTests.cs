using System.Buffers.Binary;
using System.Text;
using Hive.Runtimes.ContainerApi;
using Hive.Runtimes.Logs;

namespace Hive.Tests.Containers;

/// <summary>Tests the reading of a container's two output streams, which come as one.</summary>
public sealed class OutputTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(3)]
    [InlineData(11)]
    [InlineData(4096)]
    public void Lines_stay_whole_wherever_frames_and_characters_are_cut(int piece)
    {
        var bytes = (byte[])
            [
                .. Frame(1, "grü"),
                .. Frame(2, "an err"),
                .. Frame(1, "ße\nzwei\n"),
                .. Frame(2, "or\n"),
                .. Frame(1, ""),
                .. Frame(1, "drei"),
            ];
        // Also within the two bytes of Ü.
        var cut = (byte[])
            [
                .. Frame(1, Encoding.UTF8.GetBytes("ü\n")[..1]),
                .. Frame(1, Encoding.UTF8.GetBytes("ü\n")[1..]),
                .. bytes,
            ];
        var decoder = new OutputDecoder();
        List<OutputLine> lines = [];
        foreach (var part in cut.Chunk(piece))
            lines.AddRange(decoder.Add(part));
        lines.AddRange(decoder.End());
        Assert.Equal(["ü", "grüße", "zwei", "an error", "drei"], lines.Select(l => l.Text));
    }

    [Fact]
    public void A_line_without_end_is_cut_at_the_longest_length()
    {
        var decoder = new OutputDecoder();
        var lines = decoder.Add(Frame(1, new string('x', 3 * LineText.MaxLine)));
        Assert.Equal(3, lines.Count);
        Assert.All(lines, l => Assert.Equal(LineText.MaxLine, l.Text.Length));
    }

    [Fact]
    public async Task Lines_of_one_second_that_were_read_are_not_read_again()
    {
        var position = new OutputPosition();
        Assert.Equal("timestamps=1&tail=all", position.Query("a", follow: false));
        Assert.Equal(
            ["1", "2", "3"],
            await Read(position, "2026-01-02T03:04:05Z 1\n", "2026-01-02T03:04:06Z 2\n", "2026-01-02T03:04:06Z 3\n")
        );
        Assert.Equal("timestamps=1&tail=all&follow=1&since=1767323046", position.Query("a", follow: true));
        // The second line of that second has no end at the first read.
        Assert.Equal(
            ["4"],
            await Read(
                position,
                "2026-01-02T03:04:06Z 2\n",
                "2026-01-02T03:04:06Z 3\n",
                "2026-01-02T03:04:06Z 4\n",
                "2026-01-02T03:04:06Z fi"
            )
        );
        position.Query("a", follow: true);
        Assert.Equal(
            ["five"],
            await Read(
                position,
                "2026-01-02T03:04:06Z 2\n",
                "2026-01-02T03:04:06Z 3\n",
                "2026-01-02T03:04:06Z 4\n",
                "2026-01-02T03:04:06Z fi",
                "2026-01-02T03:04:06Z ve\n"
            )
        );
        // Another container starts from its beginning, even in the same second.
        Assert.Equal("timestamps=1&tail=all&follow=1", position.Query("b", follow: true));
        Assert.Equal(["1"], await Read(position, "2026-01-02T03:04:06Z 1\n"));
    }

    private static async Task<string[]> Read(OutputPosition position, params string[] frames)
    {
        List<string> lines = [];
        await foreach (
            var some in position.Read(
                new MemoryStream([.. frames.SelectMany(f => Frame(1, f))]),
                unfinished: false,
                CancellationToken.None
            )
        )
            lines.AddRange(some);
        return [.. lines];
    }

    private static byte[] Frame(byte stream, string text) => Frame(stream, Encoding.UTF8.GetBytes(text));

    private static byte[] Frame(byte stream, byte[] text)
    {
        var header = new byte[8];
        header[0] = stream;
        BinaryPrimitives.WriteUInt32BigEndian(header.AsSpan(4), (uint)text.Length);
        return [.. header, .. text];
    }
}
