using System.Text;

namespace Hive.Agent.Tests;

public sealed class WireTextTests
{
    [Theory]
    [InlineData("short", 10, "short")]
    [InlineData("exactly 10", 10, "exactly 10")]
    [InlineData("one too many", 11, "one too …")]
    [InlineData("ab\0c", 10, "ab\uFFFDc")]
    [InlineData("ab\ud83d\ude00cd", 7, "ab…")]
    public void Fits_and_is_valid(string text, int bytes, string fit)
    {
        Assert.Equal(fit, WireText.Cut(text, bytes));
        Assert.True(Encoding.UTF8.GetByteCount(fit) <= bytes);
    }

    [Fact]
    public void Half_a_surrogate_pair_is_replaced() =>
        Assert.Equal("ab\uFFFD", WireText.Cut("ab" + (char)0xD83D, 10));
}
