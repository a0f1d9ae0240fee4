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
    public void An_unpaired_surrogate_is_replaced() => Assert.Equal("ab\uFFFD", WireText.Cut("ab" + (char)0xD83D, 10));

    [Fact]
    public void A_cut_text_is_its_beginning_within_the_limit()
    {
        string[] texts = ["", "a", "abcd", "üüü", "€€", "\ud83d\ude00\ud83d\ude00", "a\0b\0c", "a😀ü€z"];
        foreach (var text in texts)
        {
            var whole = WireText.Cut(text, int.MaxValue);
            for (var bytes = -1; bytes <= 20; bytes++)
            {
                var cut = WireText.Cut(text, bytes);

                Assert.True(Encoding.UTF8.GetByteCount(cut) <= Math.Max(bytes, 0), $"'{text}' in {bytes}: '{cut}'");
                if (cut != whole)
                    Assert.StartsWith(cut.TrimEnd('…'), whole, StringComparison.Ordinal);
                else
                    Assert.True(Encoding.UTF8.GetByteCount(whole) <= Math.Max(bytes, 0));
            }
        }
    }
}
