using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>Destroyed agents and their kept state.</summary>
public sealed class KeptStateTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task Kept_state_of_a_destroyed_agent_shows_and_is_purged_after_a_confirmation()
    {
        using var alice = await Hive.JoinAsync("alice");
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md"), new string('x', 3000));
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "..", "home", "credentials"), "secret");
        var page = await AtAsync("/system");
        var kept = page.Locator("[data-tombstone=alice]");

        await Hive.CallAsync("destroy", new { name = "alice" });
        await Expect(kept).ToContainTextAsync("2.9 KiB");
        await Expect(kept).ToContainTextAsync("credentials kept");
        await Expect(page.Locator("#tombstones .count")).ToHaveTextAsync("1 kept · 2.9 KiB");

        await kept.GetByRole(AriaRole.Button, new() { Name = "Purge alice" }).ClickAsync();
        await Expect(page.GetByRole(AriaRole.Dialog)).ToContainTextAsync("2.9 KiB of notes, its credentials");
        await CancelAsync(page);
        await Expect(kept).ToBeVisibleAsync();
        Assert.True(Directory.Exists(Hive.StateOf("alice")));
        await kept.GetByRole(AriaRole.Button, new() { Name = "Purge alice" }).ClickAsync();
        await ConfirmAsync(page);

        await Expect(page.Locator("#tombstones .empty")).ToBeVisibleAsync();
        Assert.False(Directory.Exists(Hive.StateOf("alice")));
    }

    [Fact]
    public async Task A_destroyed_agent_is_revived_by_undo_and_from_its_kept_state()
    {
        using var alice = await Hive.JoinAsync("alice");
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md"), "remember");
        var page = await AtAsync("/agents");

        await PickAsync(page, "alice", "Destroy alice");
        await Expect(Row(page, "alice")).ToHaveCountAsync(0);
        await TakeBackAsync(page);
        await Expect(Row(page, "alice")).ToBeVisibleAsync();
        Assert.Equal("remember", await File.ReadAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md")));

        await PickAsync(page, "alice", "Destroy alice");
        await page.GetByRole(AriaRole.Button, new() { Name = "kept state 1" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "Revive alice" }).ClickAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "all 2" }).ClickAsync();
        await Expect(Row(page, "alice")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task An_agent_is_destroyed_and_purged_at_once()
    {
        using var alice = await Hive.JoinAsync("alice");
        var page = await AtAsync("/agents");

        await PickAsync(page, "alice", "Purge alice");
        await ConfirmAsync(page);

        await Expect(Row(page, "alice")).ToHaveCountAsync(0);
        await page.GotoAsync(Hive.Url + "/system");
        await Expect(page.Locator("#tombstones .empty")).ToBeVisibleAsync();
        // The tombstone's files are deleted last; until then its name is locked.
        await Patience.Until(async () => await RefusedAsync() == "not_found", "the name is free");
        Assert.False(Directory.Exists(Hive.StateOf("alice")));

        async Task<string> RefusedAsync() =>
            (
                await Assert.ThrowsAsync<HiveException>(() => Hive.CallAsync("purge_tombstone", new { name = "alice" }))
            ).Code;
    }
}
