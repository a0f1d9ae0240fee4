using Hive.Protocol;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>Approvals, decided on the page.</summary>
public sealed class ApprovalTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_requested_spawn_is_approved_and_becomes_an_agent()
    {
        var page = await SignedInAsync();
        await Expect(page.Locator("#approvals .empty")).ToBeVisibleAsync();

        await page.GetByLabel("Name of the new agent").FillAsync("Carol");
        await page.GetByLabel("Purpose of the new agent").FillAsync("reviews what others write");
        await page.GetByLabel("Runtime of the new agent").SelectOptionAsync("external");
        Expected = ["status of 400"];
        await RequestAsync(page);
        await Expect(page.Locator(".spawn").GetByRole(AriaRole.Alert)).ToContainTextAsync("Carol");
        await page.GetByLabel("Name of the new agent").FillAsync("carol");
        await RequestAsync(page);

        var card = page.Locator(".row.approval", new() { HasText = "carol" });
        await Expect(card).ToContainTextAsync("reviews what others write");
        await Expect(card).ToContainTextAsync("external");
        await Expect(page.GetByLabel("Name of the new agent")).ToHaveValueAsync("");
        await Assertions.Expect(page).ToHaveTitleAsync("(1) HIVE");
        await card.GetByRole(AriaRole.Button, new() { Name = "a new agent carol" }).ClickAsync();

        await Expect(Row(page, "carol")).ToContainTextAsync("external");
        await Expect(page.Locator("#approvals .empty")).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveTitleAsync("HIVE");
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator("#approvals .settled")).ToContainTextAsync("approved");
    }

    [Fact]
    public async Task A_proposal_is_denied_with_a_reason_that_the_manager_receives()
    {
        using var manager = await Hive.OpenAsync("manager");
        var page = await SignedInAsync();
        var id = (
            await manager.CallAsync("request_spawn", new { name = "carol", description = "somebody has to review" })
        )
            .GetProperty("id")
            .GetInt64();
        var card = Approval(page, id);
        await Expect(card).ToContainTextAsync("by manager");
        await Expect(page.Locator("[data-loose=manager]")).ToContainTextAsync("proposes 1");

        await card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" }).ClickAsync();
        await Expect(card.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Escape");
        await Expect(card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" })).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await card.GetByRole(AriaRole.Textbox).FillAsync("not before the measurements");
        await page.ReloadAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = $"Deny approval {id}" }).ClickAsync();
        await Expect(card.GetByRole(AriaRole.Textbox)).ToHaveValueAsync("not before the measurements");
        await card.GetByRole(AriaRole.Textbox).PressAsync("Control+Enter");

        await Expect(card).ToHaveCountAsync(0);
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator($"[data-decided='{id}']")).ToContainTextAsync("not before the measurements");
        await Expect(page.Locator($"[data-decided='{id}'] .badge.peer")).ToHaveTextAsync("denied");
        await Expect(Message(page, "not before the measurements")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_destroyed_agent_is_revived_with_its_kept_state()
    {
        (await Hive.JoinAsync("alice")).Dispose();
        await File.WriteAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md"), "what I know");
        await Hive.CallAsync("destroy", new { name = "alice" });
        var page = await SignedInAsync();
        var kept = page.Locator("[data-tombstone=alice]");

        await kept.GetByRole(AriaRole.Button, new() { Name = "Revive alice" }).ClickAsync();
        await Expect(kept.GetByRole(AriaRole.Button, new() { Name = "revival requested" })).ToBeVisibleAsync();
        await Expect(kept.GetByRole(AriaRole.Button, new() { Name = "Revive alice" })).ToBeDisabledAsync();
        await kept.GetByRole(AriaRole.Button, new() { Name = "revival requested" }).ClickAsync();
        var card = page.Locator(".row.approval", new() { HasText = "revives what is kept of alice" });
        await Expect(card).ToBeFocusedAsync();
        await card.GetByRole(AriaRole.Button, new() { Name = "a new agent alice" }).ClickAsync();

        await Expect(Row(page, "alice")).ToBeVisibleAsync();
        await Expect(kept).ToHaveCountAsync(0);
        Assert.Equal("what I know", await File.ReadAllTextAsync(Path.Combine(Hive.StateOf("alice"), "notes.md")));
    }

    [Fact]
    public async Task A_late_decision_is_reported()
    {
        Expected = ["status of 409"];
        using var manager = await Hive.OpenAsync("manager");
        var page = await SignedInAsync();
        var id = (await manager.CallAsync("request_spawn", new { name = "carol" })).GetProperty("id").GetInt64();
        await Expect(Approval(page, id)).ToBeVisibleAsync();
        // Denied elsewhere while the approval is on its way.
        await page.RouteAsync(
            "**/api/approvals/*/approve",
            async route =>
            {
                await Hive.CallAsync("deny", new { id, note = "somebody else said no" });
                await route.ContinueAsync();
            }
        );

        await Approval(page, id).GetByRole(AriaRole.Button, new() { Name = $"Approve {id}" }).ClickAsync();

        await Expect(Approval(page, id)).ToHaveCountAsync(0);
        await Expect(page.Locator("#approvals").GetByRole(AriaRole.Alert))
            .ToContainTextAsync($"Your decision on #{id} came too late");
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator($"[data-decided='{id}']")).ToContainTextAsync("somebody else said no");
        await Expect(Row(page, "carol")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_proposal_is_compared_and_deployed_and_a_failed_one_shows_its_error()
    {
        Expected = ["status of 404"];
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var before = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        var page = await SignedInAsync();
        var drawer = page.Locator("dialog.drawer");

        var first = await ProposeAsync(manager, "model: larger\n", "a larger model");
        await Expect(Approval(page, first)).ToContainTextAsync("a larger model");
        await Approval(page, first)
            .GetByRole(AriaRole.Button, new() { Name = $"Changes of approval {first}" })
            .ClickAsync();
        await Expect(drawer.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync(["model: larger"]);
        await Expect(drawer.Locator("[data-file='agent.yaml'] .as-attr").First).ToBeVisibleAsync();
        await Expect(drawer.Locator(".file-list")).ToContainTextAsync("binary");
        var many = drawer.Locator("[data-file='many.txt']");
        await Expect(many.Locator(".diff-line")).ToHaveCountAsync(0);
        await many.GetByRole(AriaRole.Button, new() { Name = "many.txt" }).ClickAsync();
        await Expect(many.GetByText("line 100", new() { Exact = true })).ToBeVisibleAsync();
        await many.GetByRole(AriaRole.Button, new() { Name = "more," }).ClickAsync();
        await Expect(many.GetByText("line 700", new() { Exact = true })).ToBeVisibleAsync();
        // Proposed beside the first one, so it cannot be deployed after it.
        await Hive.GitAsync("alice", "reset", "-q", "--hard", before);
        var second = await ProposeAsync(manager, "model: largest\n", "the largest one");
        await Expect(Approval(page, second)).ToBeVisibleAsync();
        await drawer.GetByRole(AriaRole.Button, new() { Name = "previous proposal" }).ClickAsync();
        await Expect(drawer.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await drawer.GetByRole(AriaRole.Button, new() { Name = "last approved" }).ClickAsync();
        await Expect(drawer.Locator("[data-file='agent.yaml']")).ToBeVisibleAsync();
        await drawer.GetByRole(AriaRole.Button, new() { Name = $"Approve {first}" }).ClickAsync();
        await Expect(Approval(page, first)).ToHaveCountAsync(0);
        await Expect(drawer.Locator(".badge.dim").First).ToHaveTextAsync("approved");
        await Expect(drawer.Locator(".diff-foot")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("Escape");

        await Approval(page, second).GetByRole(AriaRole.Button, new() { Name = $"Approve {second}" }).ClickAsync();
        await Expect(Approval(page, second).GetByRole(AriaRole.Alert)).ToContainTextAsync("rebase");
        await page.Locator("#approvals .history > summary").ClickAsync();
        await Expect(page.Locator($"[data-decided='{first}']")).ToContainTextAsync($"deployed/{first}");
        await Expect(page.Locator($"[data-decided='{second}']")).ToContainTextAsync($"failed/{second}");
        await Approval(page, second).GetByRole(AriaRole.Button, new() { Name = "Dismiss the failure" }).ClickAsync();
        await Expect(Approval(page, second)).ToHaveCountAsync(0);
        await page.ReloadAsync();
        await Expect(page.Locator("#approvals .empty")).ToBeVisibleAsync();
    }

    private async Task<long> ProposeAsync(LineClient manager, string yaml, string description)
    {
        var folder = Hive.ConfigOf("alice");
        await File.WriteAllTextAsync(Path.Combine(folder, "agent.yaml"), yaml);
        await File.WriteAllLinesAsync(
            Path.Combine(folder, "many.txt"),
            Enumerable.Range(1, 3000).Select(i => $"line {i}")
        );
        await File.WriteAllBytesAsync(Path.Combine(folder, "logo.bin"), [0, 1, 2, 3]);
        await Hive.GitAsync("alice", "add", "-A");
        await Hive.GitAsync(
            "alice",
            "-c",
            "user.name=manager",
            "-c",
            "user.email=manager@hive",
            "commit",
            "-qm",
            description
        );
        var commit = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        return (
            await manager.CallAsync(
                "request_apply_commit",
                new
                {
                    agent = "alice",
                    commit_ref = commit,
                    description,
                }
            )
        ).GetProperty("id").GetInt64();
    }

    private static ILocator Approval(IPage page, long id) => page.Locator($"[data-approval='{id}']");

    private static Task RequestAsync(IPage page) =>
        page.GetByRole(AriaRole.Button, new() { Name = "Request the spawn" }).ClickAsync();
}
