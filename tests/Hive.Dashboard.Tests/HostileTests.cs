using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Texts that agents may write to break the page: markup, commands of terminals, long words, many lines, other
/// directions of writing.</summary>
public sealed class HostileTests(Browser browser) : DashboardTest(browser)
{
    /// <summary>The longest name that an agent may have.</summary>
    private const string Name = "an-agent-with-the-longest-name1";

    /// <summary>A text as it is written, and the beginning of it as the page shows it.</summary>
    private static readonly (string Written, string Shown)[] Texts =
    [
        ("<img src=x onerror=\"hacked=1\"><script>hacked=1</script>", "<img src=x onerror=\"hacked=1\"><script>"),
        ("javascript:hacked=1 [x](javascript:hacked=1)", "javascript:hacked=1 [x](javascript:hacked=1)"),
        (
            "\u001b[31mred\u001b[0m\u001b]0;title\u0007 \u009b5n",
            "⟨U+001B⟩[31mred⟨U+001B⟩[0m⟨U+001B⟩]0;title⟨U+0007⟩ ⟨U+009B⟩5n"
        ),
        (
            "gnp\u202Eexe.\u202C \u2067x\u2069 a\u200Bb\uFEFFc",
            "gnp⟨U+202E⟩exe.⟨U+202C⟩ ⟨U+2067⟩x⟨U+2069⟩ a⟨U+200B⟩b⟨U+FEFF⟩c"
        ),
        ("مرحبا hello עברית 12:30", "مرحبا hello עברית 12:30"),
        ("👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈", "👩‍👩‍👧‍👦 👍🏽 🏳️‍🌈"),
    ];

    // Every size of text, and the height of its lines, that the page has.
    private const string Larger = """
        times => {
          const root = document.documentElement;
          for (const size of [12, 13, 14, 16, 20])
            for (const name of [`--text-${size}`, `--lines-${size}`])
              root.style.setProperty(name, `${times * parseFloat(getComputedStyle(root).getPropertyValue(name))}px`);
        }
        """;

    [Fact]
    [Sampled]
    public async Task Hostile_texts_are_shown_as_they_are_and_break_no_layout()
    {
        using var alice = await Hive.JoinAsync(Name);
        using var manager = await Hive.OpenAsync("manager");
        foreach (var (text, _) in Texts)
        {
            await alice.CallAsync("send", new { to = "operator", body = text });
            await alice.AskAsync(new { question = text, options = new[] { text, $"not {text}" } });
        }

        var word = new string('w', 4_096);
        var lines = string.Join('\n', Enumerable.Repeat("l", 2_000));
        foreach (var body in new[] { word, lines })
        {
            await alice.CallAsync("send", new { to = "operator", body });
            await alice.AskAsync(new { question = body });
        }

        await alice.CallAsync("set_status", new { text = Texts[3].Written });
        await manager.CallAsync(
            "request_spawn",
            new { name = "bob", description = $"{Texts[0].Written} {word[..3000]}" }
        );
        var page = await SignedInAsync();
        string[] places =
        [
            "/",
            "/agents",
            "/messages",
            "/messages/1",
            "/changes/1",
            $"/agents/{Name}/messages",
            .. Enumerable.Range(1, Texts.Length + 2).Select(i => $"/waiting/question-{i}"),
        ];
        // Five widths more are tested elsewhere. 320 × 256 px are 1280 × 1024 at 400 %.
        (int, int, int)[] screens = [(1440, 900, 2), (360, 780, 2), (320, 256, 1)];
        foreach (var (screen, (width, height, text)) in screens.Index())
        {
            await page.SetViewportSizeAsync(width, height);
            // In the first ring each place at the next screen.
            foreach (var place in places.Where((_, i) => Ring.IsLong || i % screens.Length == screen))
            {
                await GoAsync(page, place);
                await page.EvaluateAsync(Larger, text);
                await Expect(page.Locator("main h1").First).ToBeAttachedAsync();
                if (place.StartsWith("/waiting/question-", StringComparison.Ordinal))
                    await Expect(page.Locator($"[data-waiting={place["/waiting/".Length..]}]")).ToBeVisibleAsync();
                var wide = await page.EvaluateAsync<int>("document.documentElement.scrollWidth");
                Assert.True(wide <= width, $"{place} is {wide} px wide at {width} px, with text {text} times as large");
                Assert.True(
                    await page.EvaluateAsync<bool>(
                        """
                        () => typeof hacked === 'undefined' && document.querySelector(
                          'main img, main script, .panel script, a[href^="javascript:" i]') === null
                        """
                    ),
                    $"{place} took a text for markup"
                );
            }
        }

        await page.SetViewportSizeAsync(1440, 900);
        for (var i = 0; i < Texts.Length; i++)
        {
            await GoAsync(page, $"/waiting/question-{i + 1}");
            var detail = page.Locator($"[data-waiting=question-{i + 1}]");
            await Expect(detail.Locator(".agent-text bdi").First).ToContainTextAsync(Texts[i].Shown);
            await Expect(detail.Locator("label bdi, [role=radiogroup] bdi").First).ToContainTextAsync(Texts[i].Shown);
            await Expect(page.Locator($"[data-key=question-{i + 1}]")).ToContainTextAsync(Texts[i].Shown);
        }

        // The clipboard gets the address alone.
        await page.Context.GrantPermissionsAsync(["clipboard-read", "clipboard-write"]);
        await page.Locator("main").FocusAsync();
        await page.Keyboard.PressAsync("y");
        await Expect(page.Locator("[role=status]").Filter(new() { HasText = "Copied" })).ToHaveCountAsync(1);
        Assert.Equal(
            $"{Hive.Url}/waiting/question-{Texts.Length}",
            await page.EvaluateAsync<string>("navigator.clipboard.readText()")
        );
    }
}
