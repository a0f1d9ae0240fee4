using System.Text;
using Hive.Agent.Children;

namespace Hive.Agent.Tests;

public sealed class OutputLinesTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Theory]
    [InlineData("a\nb\n", new[] { "a", "b" })]
    [InlineData("a\r\n\nb", new[] { "a", "", "b" })]
    [InlineData("", new string[0])]
    [InlineData("1234567890\n", new[] { "1234567890" })]
    [InlineData("12345678901\nshort\n", new[] { "(11)", "short" })]
    [InlineData("short\n12345678901", new[] { "short", "(11)" })]
    [InlineData("123456789012345678901234567890\n\n", new[] { "(30)", "" })]
    public async Task Lines_are_read_and_those_that_are_too_long_are_counted(string text, string[] lines)
    {
        foreach (var piece in (int[])[1, 3, 7, 1000])
            Assert.Equal(lines, await ReadAsync(new InPieces(Encoding.UTF8.GetBytes(text), piece)));
    }

    private static async Task<List<string>> ReadAsync(Stream stream)
    {
        List<string> read = [];
        await foreach (var line in OutputLines.ReadAsync(stream, 10, null, Ct))
            read.Add(line.Skipped > 0 ? $"({line.Skipped})" : line.Text);
        return read;
    }

    private sealed class InPieces(byte[] bytes, int piece) : MemoryStream(bytes)
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            base.ReadAsync(buffer.Length > piece ? buffer[..piece] : buffer, cancellationToken);
    }
}
