using System.Globalization;
using System.Text;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Tests.Cli;

public sealed class VisibleTextTests
{
    [Fact]
    public void A_text_is_shown_as_the_page_shows_it()
    {
        var texts = Shared().GetProperty("texts").EnumerateArray().Select(t => (t[0].GetString()!, t[1].GetString()!));
        Assert.All(
            texts,
            text =>
            {
                Assert.Equal(text.Item2, VisibleText.Lines(text.Item1));
                Assert.Equal(text.Item2, VisibleText.OneLine(text.Item1));
            }
        );
    }

    [Fact]
    public void The_characters_that_are_written_out_are_those_of_the_page()
    {
        List<(int First, int Last)> found = [];
        for (var code = 0x20; code <= 0x10ffff; code++)
        {
            if (!Rune.TryCreate(code, out var rune))
                continue;
            var text = rune.ToString();
            var shown = VisibleText.Lines(text);
            if (shown == text)
                continue;
            Assert.Equal(string.Create(CultureInfo.InvariantCulture, $"⟨U+{code:X4}⟩"), shown);
            if (found.Count > 0 && found[^1].Last == code - 1)
                found[^1] = (found[^1].First, code);
            else
                found.Add((code, code));
        }

        Assert.Equal(
            Shared().GetProperty("hidden").EnumerateArray().Select(r => (r[0].GetInt32(), r[1].GetInt32())),
            found
        );
    }

    [Fact]
    public void Control_characters_are_symbols_and_line_ends_stay_or_become_blanks()
    {
        const string Text = "a\u001b[2J\tb\r\nc";
        Assert.Equal("a␛[2J\tb\nc", VisibleText.Lines(Text));
        Assert.Equal("a␛[2J b  c", VisibleText.OneLine(Text));
    }

    // The page's tests read the same file.
    private static JsonElement Shared()
    {
        var folder = AppContext.BaseDirectory;
        while (!File.Exists(Path.Combine(folder, "Hive.sln")))
            folder = Path.GetDirectoryName(folder)!;
        var file = Path.Combine(folder, "src", "Dashboard", "src", "ui", "text", "visible.cases.json");
        return JsonElement.Parse(File.ReadAllText(file));
    }
}
