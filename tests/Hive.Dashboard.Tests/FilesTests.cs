using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The files of an agent, as its tab lists them.</summary>
public sealed class FilesTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task The_files_of_an_agent_are_listed_by_folder_and_open_in_the_side_panel()
    {
        using var alice = await Hive.JoinAsync("alice");
        var notes = Directory.CreateDirectory(Path.Combine(Hive.StateOf("alice"), "notes", "2026")).FullName;
        await File.WriteAllTextAsync(Path.Combine(notes, "plan.md"), "the plan of the year");
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "gnp.\u202eexe"), "hidden direction");
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "forge-token"), "secret");
        var page = await AtAsync("/agents/alice/files");
        var files = page.GetByRole(AriaRole.Region, new() { Name = "Files of alice" });
        var lines = files.Locator(".file-line");

        await Expect(lines.Locator(".file-name")).ToHaveTextAsync(["notes/", "gnp.⟨U+202E⟩exe"]);
        await Expect(lines.Nth(1)).ToContainTextAsync("16 B");
        await lines.Nth(1).ClickAsync();
        await Expect(page.Locator(".viewer")).ToContainTextAsync("hidden direction");
        await page.Keyboard.PressAsync("Escape");

        await lines.Nth(0).PressAsync("Enter");
        await Expect(lines.Locator(".file-name")).ToHaveTextAsync(["2026/"]);
        await lines.Nth(0).PressAsync("Enter");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents/alice/files?in=notes/2026");
        await Expect(files).ToBeFocusedAsync();
        await Expect(lines.Locator(".file-name")).ToHaveTextAsync(["plan.md"]);
        await lines.Nth(0).PressAsync("Enter");
        await Expect(page.Locator(".viewer")).ToContainTextAsync("the plan of the year");

        // A link to the folder, with the file open beside it.
        await page.ReloadAsync();
        await Expect(page.Locator(".viewer")).ToContainTextAsync("the plan of the year");
        await Expect(lines).ToHaveAttributeAsync("aria-expanded", "true");
        await page.Keyboard.PressAsync("Escape");
        await files.GetByRole(AriaRole.Button, new() { Name = "notes" }).ClickAsync();
        await Expect(lines.Locator(".file-name")).ToHaveTextAsync(["2026/"]);
        await page.GoBackAsync();
        await Expect(lines.Locator(".file-name")).ToHaveTextAsync(["plan.md"]);
    }

    [Fact]
    public async Task A_folder_that_is_gone_is_said()
    {
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/agents/alice/files?in=gone");
        var files = page.GetByRole(AriaRole.Region, new() { Name = "Files of alice" });

        await Expect(files.GetByRole(AriaRole.Alert)).ToContainTextAsync("folder not found");
        Directory.CreateDirectory(Path.Combine(Hive.StateOf("alice"), "gone"));
        await files.GetByRole(AriaRole.Alert).GetByRole(AriaRole.Button).ClickAsync();
        await Expect(files).ToContainTextAsync("Nothing in here can be shown.");
    }
}
