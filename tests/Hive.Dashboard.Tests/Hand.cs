using System.Globalization;
using System.Text.RegularExpressions;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>
/// Does a task with the keys that the guide names for it, in their order and no others, and counts them. After each
/// step the element that the step names has the focus.
/// </summary>
internal sealed partial class Hand
{
    private readonly IPage page;
    private readonly Queue<string> left;
    private readonly int count;
    private int pressed;
    private int spared;

    private Hand(IPage page, IEnumerable<string> steps, int count)
    {
        this.page = page;
        this.count = count;
        left = new(steps);
    }

    /// <summary>Begins a task of the guide.</summary>
    public static async Task<Hand> BeginAsync(IPage page, string task)
    {
        var guide = await File.ReadAllLinesAsync(Path.Combine(AppContext.BaseDirectory, "Guide", "keys.md"));
        var cells = guide.Single(line => line.StartsWith($"| {task} |", StringComparison.Ordinal)).Split(" | ");
        var steps = Step().Matches(cells[1]).Select(match => match.Value);
        return new Hand(page, steps, int.Parse(cells[2].TrimEnd('|', ' '), CultureInfo.InvariantCulture));
    }

    /// <summary>Presses the next keys, after which something has the focus.</summary>
    public async Task PressAsync(string keys, ILocator focused)
    {
        foreach (var key in keys.Split(' '))
        {
            Assert.Equal($"`{key}`", Next());
            await page.Keyboard.PressAsync(NameOf(key));
            pressed++;
        }

        await Assertions.Expect(focused).ToBeFocusedAsync();
    }

    /// <summary>Types words into the box that has the focus.</summary>
    public async Task TypeAsync(string words)
    {
        Assert.Matches(@"^\*.+\*$", Next());
        await page.Keyboard.TypeAsync(words);
        await Assertions.Expect(page.Locator("input:focus, textarea:focus")).ToHaveValueAsync(words);
    }

    /// <summary>A key of the guide is not needed here.</summary>
    public void Leave(string key)
    {
        Assert.Equal($"`{key}`", Next());
        spared++;
    }

    /// <summary>The task is done with as many keys as the guide counts.</summary>
    public void End()
    {
        Assert.Empty(left);
        Assert.Equal(count, pressed + spared);
    }

    private string Next() => left.TryDequeue(out var step) ? step : "nothing more";

    private static string NameOf(string key) =>
        key switch
        {
            "enter" => "Enter",
            "tab" => "Tab",
            "space" => "Space",
            "↓" => "ArrowDown",
            "shift+→" => "Shift+ArrowRight",
            [>= 'A' and <= 'Z'] => $"Shift+{key}",
            _ => key,
        };

    [GeneratedRegex(@"`[^`]+`|\*[^*]+\*")]
    private static partial Regex Step();
}
