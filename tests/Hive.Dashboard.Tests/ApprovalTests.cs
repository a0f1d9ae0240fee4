using Hive.Protocol;
using Microsoft.Playwright;

namespace Hive.Dashboard.Tests;

/// <summary>Approvals, decided on the page.</summary>
public sealed class ApprovalTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task A_requested_agent_is_approved_with_one_key_and_joins_the_roster()
    {
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var manager = await Hive.OpenAsync("manager");
        var page = await AtAsync("/changes");
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits for your approval");
        var id = (
            await manager.CallAsync("request_spawn", new { name = "carol", description = "reviews what others write" })
        )
            .GetProperty("id")
            .GetInt64();

        var review = Review(page, id);
        await page.Locator($"[data-key='{id}']").ClickAsync();
        await Expect(review).ToContainTextAsync("reviews what others write");
        await Expect(review).ToContainTextAsync("by manager");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/changes/{id}");
        await page.Keyboard.PressAsync("a");

        await Expect(review.Locator(".state-word")).ToHaveTextAsync("approved");
        await Expect(page.Locator($"[data-key='{id}']")).ToContainTextAsync("approved");
        await page.GotoAsync(Hive.Url + "/agents");
        await Expect(Row(page, "carol")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task A_denial_takes_its_reason_and_the_comments_on_lines_to_who_asked()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var id = await ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        var page = await AtAsync($"/changes/{id}");
        var review = Review(page, id);
        var line = review.Locator("[data-file='agent.yaml'] .diff-line.added").First;
        await line.GetByRole(AriaRole.Button).ClickAsync();
        await Expect(review.GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("which one?");
        await page.Keyboard.PressAsync("Control+Enter");
        await Expect(review.Locator(".line-note")).ToContainTextAsync("which one?");

        // The comment and the reason are drafts until they are sent.
        await page.ReloadAsync();
        await Expect(review.Locator(".line-note")).ToContainTextAsync("which one?");
        await page.Locator("main").FocusAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(review.Locator(".diff-foot").GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not before the measurements");
        await page.Keyboard.PressAsync("Escape");
        await page.Keyboard.PressAsync("d");
        await Expect(review.Locator(".diff-foot").GetByRole(AriaRole.Textbox))
            .ToHaveValueAsync("not before the measurements");
        await Expect(review.Locator(".diff-foot").GetByRole(AriaRole.Textbox)).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Control+Enter");
        // Held; the same key sends it at once.
        await Expect(page.Locator(".toast[data-state=held]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");

        await Expect(review.Locator(".given")).ToContainTextAsync("not before the measurements");
        await Expect(review.Locator(".given")).ToContainTextAsync("agent.yaml:1: which one?");
        var told = await manager.CallAsync("recv", new { wait_seconds = 30, max = 10 });
        Assert.Contains("agent.yaml:1: which one?", told.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_denial_that_ends_leaves_the_focus_and_the_place_as_they_are()
    {
        foreach (var name in new[] { "ann", "ben", "cleo" })
            await Hive.CallAsync("request_spawn", new { name });
        var held = (IPage page) => page.Locator(".toast[data-state=held]");
        var page = await AtAsync("/changes/1");
        await Expect(Review(page, 1)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await page.Keyboard.PressAsync("Enter");
        await Expect(held(page)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(Review(page, 2)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        var reason = Review(page, 2).Locator(".diff-foot").GetByRole(AriaRole.Textbox);
        await Expect(reason).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not a");
        await Expect(held(page)).ToHaveCountAsync(0);
        await page.Keyboard.TypeAsync("gain");
        await Expect(reason).ToHaveValueAsync("not again");

        // A change that is open stays so beside a list that does not have it.
        await GoAsync(page, "/changes/2?show=decided");
        await Expect(page.Locator("[data-key='1']")).ToContainTextAsync("denied");
        await Expect(Review(page, 2)).ToBeVisibleAsync();
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/changes/2?show=decided");

        // The same from the palette, and in another place.
        await GoAsync(page, "/waiting/approval-3");
        await Expect(page.Locator("[data-waiting=approval-3]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("deny 3");
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator(".palette textarea")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(held(page)).ToBeVisibleAsync();
        await Expect(page.Locator(".palette")).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-waiting=approval-2]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("j");
        await Expect(page.Locator("[data-waiting=approval-3]")).ToBeVisibleAsync();
        // Its menu rests where the focus leaves it.
        await page.Keyboard.PressAsync(".");
        await Expect(page.GetByRole(AriaRole.Menu)).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Shift+Tab");
        await Expect(page.GetByRole(AriaRole.Menu)).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("g");
        await page.Keyboard.PressAsync("a");
        await Expect(page.Locator("main h1")).ToContainTextAsync("SW4RM");
        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("appr");
        await Expect(held(page)).ToHaveCountAsync(0);
        await page.Keyboard.TypeAsync("ove");
        await Expect(page.Locator(".palette input")).ToHaveValueAsync("approve");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/agents");
    }

    [Fact]
    public async Task A_late_decision_is_reported()
    {
        Expected = ["status of 409"];
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var manager = await Hive.OpenAsync("manager");
        var page = await SignedInAsync();
        var id = (await manager.CallAsync("request_spawn", new { name = "carol" })).GetProperty("id").GetInt64();
        await page.GotoAsync($"{Hive.Url}/changes/{id}");
        await Expect(Review(page, id)).ToBeVisibleAsync();
        // Denied elsewhere while the approval is on its way.
        await page.RouteAsync(
            "**/api/approvals/*/approve",
            async route =>
            {
                await Hive.CallAsync("deny", new { id, note = "somebody else said no" });
                await route.ContinueAsync();
            }
        );

        await Review(page, id).GetByRole(AriaRole.Button, new() { Name = $"Approve {id}" }).ClickAsync();

        await Expect(Review(page, id)).ToContainTextAsync("somebody else said no");
        await Expect(page.Locator(".refusals")).ToContainTextAsync($"approval {id} was denied");
        await Expect(page.Locator(".toast")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_proposal_is_compared_and_deployed_and_a_failed_one_shows_its_error()
    {
        Expected = ["status of 404"];
        await Hive.PreferAsync(new { undo_seconds = 0 });
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var before = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        var page = await SignedInAsync();

        var first = await ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        await page.GotoAsync($"{Hive.Url}/changes/{first}");
        var review = Review(page, first);
        await Expect(review).ToContainTextAsync("a larger model");
        await Expect(review.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync(["model: larger"]);
        await Expect(review.Locator("[data-file='agent.yaml'] .as-attr").First).ToBeVisibleAsync();
        await Expect(review.Locator(".file-list")).ToContainTextAsync("binary");
        var many = review.Locator("[data-file='many.txt']");
        await Expect(many.Locator(".diff-line")).ToHaveCountAsync(0);
        await many.GetByRole(AriaRole.Button, new() { Name = "many.txt" }).ClickAsync();
        await Expect(many.GetByText("line 100", new() { Exact = true })).ToBeVisibleAsync();
        await many.GetByRole(AriaRole.Button, new() { Name = "more," }).ClickAsync();
        await Expect(many.GetByText("line 700", new() { Exact = true })).ToBeVisibleAsync();
        await many.GetByLabel("viewed many.txt").CheckAsync();
        await Expect(many.Locator(".diff-line")).ToHaveCountAsync(0);
        await review.GetByRole(AriaRole.Button, new() { Name = "side by side" }).ClickAsync();
        await Expect(review.Locator("[data-file='agent.yaml'] .pair")).Not.ToHaveCountAsync(0);
        // Proposed beside the first one, so it cannot be deployed after it.
        await Hive.GitAsync("alice", "reset", "-q", "--hard", before);
        var second = await ProposeAsync(Hive, manager, "model: largest\n", "the largest one");
        await Expect(review).ToContainTextAsync($"#{second}");
        await review.GetByRole(AriaRole.Button, new() { Name = "previous proposal" }).ClickAsync();
        await Expect(review.GetByRole(AriaRole.Alert)).ToBeVisibleAsync();
        await review.GetByRole(AriaRole.Button, new() { Name = "last approved" }).ClickAsync();
        await Expect(review.Locator("[data-file='agent.yaml']")).ToBeVisibleAsync();
        await review.GetByRole(AriaRole.Button, new() { Name = $"Approve {first}" }).ClickAsync();
        await Expect(review.Locator(".state-word")).ToHaveTextAsync("approved");
        await Expect(review.Locator(".steps li.done")).ToHaveCountAsync(5);
        await Expect(review).ToContainTextAsync($"deployed/{first}");

        await page.GotoAsync($"{Hive.Url}/changes/{second}");
        review = Review(page, second);
        await review.GetByRole(AriaRole.Button, new() { Name = $"Approve {second}" }).ClickAsync();
        await Expect(review.Locator(".given.bad")).ToContainTextAsync("rebase");
        await Expect(review).ToContainTextAsync($"failed/{second}");
        // Put aside here it waits nowhere else, and comes back with the undo.
        var aside = review.GetByRole(AriaRole.Button, new() { Name = $"Put aside approval_failed-{second}" });
        await aside.ClickAsync();
        await Expect(aside).ToHaveCountAsync(0);
        Assert.DoesNotContain($"approval_failed-{second}", (await Hive.CallAsync("waiting")).GetRawText());
        await TakeBackAsync(page);
        await Expect(aside).ToBeVisibleAsync();
        Assert.Contains($"approval_failed-{second}", (await Hive.CallAsync("waiting")).GetRawText());
        await page.Keyboard.PressAsync("e");
        await Expect(aside).ToHaveCountAsync(0);
        await page.GotoAsync(Hive.Url + "/changes");
        await Expect(page.Locator(".empty")).ToContainTextAsync("Nothing waits for your approval");
        await page.GotoAsync(Hive.Url + "/changes/4711");
        await Expect(page.Locator(".review")).ToContainTextAsync("change 4711 is not one of them");
    }

    [Fact]
    public async Task A_deploy_shows_its_steps_and_the_log_of_the_one_that_fails()
    {
        await Hive.PreferAsync(new { undo_seconds = 0 });
        await Hive.SpawnAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var id = await ProposeAsync(Hive, manager, "driver: scripted\nmodel: larger\n", "a larger model");
        var page = await AtAsync($"/changes/{id}");
        var review = Review(page, id);
        await Expect(review.Locator(".file-list")).ToContainTextAsync("binary");
        await Expect(review.Locator(".steps")).ToHaveCountAsync(0);
        await page.Keyboard.PressAsync("a");

        await Expect(review.Locator(".state-word")).ToHaveTextAsync("approved");
        await Expect(review.Locator(".steps li.done")).ToHaveCountAsync(7);
        var start = review.Locator("[data-step=start]");
        await Expect(start).ToContainTextAsync("start alice");
        // A log is folded where the step went well.
        await Expect(start.GetByRole(AriaRole.Log)).ToHaveCountAsync(0);
        await start.GetByRole(AriaRole.Button, new() { Name = "log: " }).ClickAsync();
        await Expect(start.GetByRole(AriaRole.Log)).ToContainTextAsync("hive-agent");

        var script = string.Join('\n', Enumerable.Range(1, 40).Select(i => $"# {i}")) + "\nroules: []\n";
        await File.WriteAllTextAsync(Path.Combine(Hive.ConfigOf("alice"), "script.yaml"), script);
        id = await ProposeAsync(Hive, manager, "driver: scripted\nscript: script.yaml\n", "with a wrong script");
        await GoAsync(page, $"/changes/{id}");
        review = Review(page, id);
        await review.GetByRole(AriaRole.Button, new() { Name = $"Approve {id}" }).ClickAsync();
        await Expect(review.Locator(".state-word")).ToHaveTextAsync("failed");
        await Failed();
        // Also for a page that did not look on.
        await page.ReloadAsync();
        await Failed();

        async Task Failed()
        {
            await Expect(review.Locator("[data-step=start].failed")).ToBeVisibleAsync();
            await Expect(review.Locator("[data-step=roll_back].done")).ToBeVisibleAsync();
            var log = review.Locator("[data-step=start]").GetByRole(AriaRole.Log);
            await Expect(log).ToContainTextAsync("roules");
            await Expect(log).ToBeInViewportAsync();
            Assert.True(
                await log.EvaluateAsync<bool>("log => log.scrollHeight - log.scrollTop - log.clientHeight < 2")
            );
        }
    }

    /// <summary>Has the manager propose a configuration of alice, with a long file and one that is not text.</summary>
    internal static async Task<long> ProposeAsync(LiveHive hive, LineClient manager, string yaml, string description)
    {
        var folder = hive.ConfigOf("alice");
        await File.WriteAllTextAsync(Path.Combine(folder, "agent.yaml"), yaml);
        await File.WriteAllLinesAsync(
            Path.Combine(folder, "many.txt"),
            Enumerable.Range(1, 3000).Select(i => $"line {i}")
        );
        await File.WriteAllBytesAsync(Path.Combine(folder, "logo.bin"), [0, 1, 2, 3]);
        await hive.GitAsync("alice", "add", "-A");
        await hive.GitAsync(
            "alice",
            "-c",
            "user.name=manager",
            "-c",
            "user.email=manager@hive",
            "commit",
            "-qm",
            description
        );
        var commit = await hive.GitAsync("alice", "rev-parse", "HEAD");
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

    private static ILocator Review(IPage page, long id) => page.Locator($"[data-review='{id}']");
}
