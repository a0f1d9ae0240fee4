using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Actions that can be taken back, and those that are held before they are sent.</summary>
public sealed class UndoTests(Browser browser) : DashboardTest(browser)
{
    private static readonly string[] HostAway =
    [
        "ERR_CONNECTION_REFUSED",
        "ERR_INCOMPLETE_CHUNKED_ENCODING",
        "ERR_CONNECTION_RESET",
        "ERR_EMPTY_RESPONSE",
        "net::ERR_ABORTED",
    ];

    [Fact]
    public async Task Actions_that_are_taken_back_leave_the_host_as_it_was()
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        await alice.CallAsync("send", new { to = "operator", body = "the tests are green" });
        var page = await AtAsync($"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        var before = await WaitingAsync();

        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToContainTextAsync($"{id} of alice");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToContainTextAsync("held");
        await page.Keyboard.PressAsync("z");
        await Expect(Toast(page, "undone")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());

        // Later, and back.
        await GoAsync(page, $"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("s");
        await Expect(page.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator($"[data-key=question-{id}]")).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-key=message-alice]")).ToBeFocusedAsync();
        await TakeBackAsync(page);
        await Expect(page.Locator($"[data-key=question-{id}]")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());

        // Done, and unread again.
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);
        await Expect(Toast(page, "done")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("Control+z");
        await Expect(page.Locator("[data-key=message-alice]")).ToBeVisibleAsync();
        Assert.Equal(before, await WaitingAsync());
    }

    [Fact]
    public async Task A_held_action_is_sent_once_when_its_time_is_over_or_the_page_goes()
    {
        using var alice = await Hive.JoinAsync("alice");
        var first = await alice.AskAsync(new { question = "The first?" });
        var second = await alice.AskAsync(new { question = "The second?" });
        var page = await HoldingAsync("/waiting");
        await Expect(page.Locator($"[data-waiting=question-{first}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator($"[data-key=question-{second}]")).ToBeFocusedAsync();
        // Nobody presses anything.
        await page.Clock.FastForwardAsync(Hour);
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(first)).Answer);

        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held").Last).ToContainTextAsync($"question {second}");
        await page.GotoAsync("about:blank");
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(second)).Answer);
        await page.GotoAsync(Hive.Url);
        await Expect(Toast(page, "sent")).ToContainTextAsync($"{second} of alice");
    }

    [Fact]
    public async Task An_action_held_over_a_restart_is_sent_once_the_host_is_back()
    {
        // The page may mark the row as seen while the question is being cancelled.
        Expected = [.. HostAway, "status of 409"];
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await HoldingAsync($"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await Hive.StopHostAsync();
        await StateIs(page, "reconnecting");
        await page.Clock.FastForwardAsync(Hour);
        await Expect(Toast(page, "away")).ToContainTextAsync("waits for the host");
        await Hive.StartHostAsync();
        await Expect(Toast(page, "away")).ToHaveCountAsync(0);
        using var again = await Hive.OpenAsync("alice");
        Assert.Equal("[cancelled]", (await again.AnswerAsync(id)).Answer);
        await Expect(page.Locator($"[data-key=question-{id}]")).ToHaveCountAsync(0);
    }

    [Fact]
    [Sampled]
    public async Task Each_held_action_is_taken_back_whole_or_happens_once()
    {
        Expected = [.. HostAway, "status of 409", "status of 404"];
        // Held at once they are all tried in both rings, and one after another some of them.
        var some = Ring.Sample(HeldThings.All, 2);
        using var things = await HeldThings.StartAsync(Hive);
        var page = await HoldingAsync("/waiting");
        List<(HeldThings.Round Round, string Thing, string End)> ends = [];

        // Taken back.
        var round = await things.BeginAsync();
        // Two approvals, two questions and the parked message.
        await Expect(page.Locator("#waiting-list [data-key]")).ToHaveCountAsync(5);
        var before = await SnapshotAsync();
        foreach (var thing in some)
        {
            await round.PressAsync(page, thing);
            await Toast(page, "held").GetByRole(AriaRole.Button, new() { Name = "Undo" }).ClickAsync();
            await Expect(Toast(page, "undone").Last).ToBeVisibleAsync();
            await Expect(Toast(page, "held")).ToHaveCountAsync(0);
            await SameAsync(before);
        }

        // Its key is pressed twice.
        foreach (var thing in some)
        {
            await round.PressAsync(page, thing);
            await Expect(Toast(page, "held")).ToContainTextAsync(round.NameOf(thing));
            await round.PressAsync(page, thing, again: true);
            await EndsAsync(round, thing, HeldThings.Round.Once(thing));
            await Expect(Toast(page, "held")).ToHaveCountAsync(0);
        }

        await Expect(page.Locator(".refusals .refused")).ToHaveCountAsync(0);

        // A second tab decides first. Nobody else can decide on a broadcast.
        round = await things.BeginAsync();
        var tab = await page.Context.NewPageAsync();
        await GoAsync(tab, "/waiting");
        foreach (var thing in some.Where(thing => thing != "broadcast"))
        {
            await round.PressAsync(page, thing);
            await Expect(Toast(page, "held")).ToContainTextAsync(round.NameOf(thing));
            await round.DecideAsync(tab, thing);
            await EndsAsync(round, thing, HeldThings.Round.Other(thing));
            // The page drops what it knows to be decided, and leaves the rest to the host's refusal.
            if (!HeldThings.Round.IsDropped(thing))
                await Toast(page, "held").GetByRole(AriaRole.Button, new() { Name = "Send now" }).ClickAsync();
            await Expect(Toast(page, "held")).ToHaveCountAsync(0);
            if (HeldThings.Round.RefusalOf(thing) is not { } words)
                continue;
            await Expect(page.Locator(".refusals")).ToContainTextAsync(words);
            await page.GetByRole(AriaRole.Button, new() { Name = "Dismiss the error" }).ClickAsync();
        }

        // The tab is closed.
        round = await things.BeginAsync();
        await round.HoldAllAsync(tab);
        await tab.CloseAsync(new() { RunBeforeUnload = true });
        foreach (var thing in HeldThings.All)
            await EndsAsync(round, thing, HeldThings.Round.Once(thing));
        await page.ReloadAsync();
        await Expect(Toast(page, "sent").First).ToBeVisibleAsync();

        // The host is killed.
        await Hive.StopHostAsync();
        await Hive.StartProcessAsync();
        await things.ReconnectAsync();
        round = await things.BeginAsync();
        await GoAsync(page, "/waiting");
        await round.HoldAllAsync(page);
        await Hive.KillHostAsync();
        // "Send now" of each.
        await page.EvaluateAsync(
            "document.querySelectorAll('.toast[data-state=held] .act:first-of-type').forEach(send => send.click())"
        );
        await Expect(Toast(page, "held")).ToHaveCountAsync(0);
        await Expect(Toast(page, "away").First).ToBeVisibleAsync();
        await Hive.StartHostAsync();
        await things.ReconnectAsync();
        await page.EvaluateAsync("dispatchEvent(new Event('online'))");
        await Expect(Toast(page, "away")).ToHaveCountAsync(0);
        foreach (var thing in HeldThings.All)
            await EndsAsync(round, thing, HeldThings.Round.Once(thing));
        await Expect(page.Locator(".refusals .refused")).ToHaveCountAsync(0);

        // None of it has happened again since.
        foreach (var (then, thing, end) in ends)
            Assert.Equal($"{thing}: {end}", $"{thing}: {await then.HappenedAsync(thing)}");

        async Task EndsAsync(HeldThings.Round round, string thing, string end)
        {
            var now = await Patience.Last(() => round.HappenedAsync(thing), now => now == end);
            Assert.Equal($"{thing}: {end}", $"{thing}: {now}");
            ends.Add((round, thing, end));
        }
    }

    [Fact]
    public async Task A_question_and_a_change_are_decided_by_keys_with_an_undo_and_a_receipt()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var manager = await Hive.OpenAsync("manager");
        var question = await alice.AskAsync(new { question = "Ship it?", options = new[] { "yes", "no" } });
        var change = await ApprovalTests.ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        var commit = (await Hive.GitAsync("alice", "rev-parse", "HEAD"))[..12];
        var page = await HoldingAsync("/");
        var said = page.GetByRole(AriaRole.Status, new() { Name = "Done and held" });
        await PressAsync(page, "g", "w");

        // An answer is held with its text, taken back, and still chosen.
        var asked = page.Locator($"[data-waiting=question-{question}]");
        await Expect(asked).ToBeVisibleAsync();
        await PressAsync(page, "1", "Enter");
        await Expect(said).ToContainTextAsync($"{question} of alice “yes” · held");
        await Expect(page.Locator($"[data-key=approval-{change}]")).ToBeFocusedAsync();
        await PressAsync(page, "z");
        await Expect(Toast(page, "undone")).ToBeVisibleAsync();
        await PressAsync(page, "k");
        await Expect(asked.GetByLabel("yes")).ToBeCheckedAsync();

        // Again; where it waits, the same key sends it at once, and the receipt leads to the answer.
        await PressAsync(page, "Enter");
        await Expect(page.Locator($"[data-key=approval-{change}]")).ToBeFocusedAsync();
        await PressAsync(page, "k");
        await Expect(asked.Locator("[data-held]")).ToContainTextAsync("yes");
        Assert.Single((await Hive.StateAsync())["questions"]!.AsArray());
        await PressAsync(page, "Enter");
        Assert.Equal(("yes", "operator"), await alice.AnswerAsync(question));
        await Expect(Toast(page, "done")).ToContainTextAsync("· done, ");
        await PressAsync(page, "v");
        await Expect(page.Locator($"[data-answered='{question}']")).ToContainTextAsync("yes");

        // The change is read where it is approved.
        await PressAsync(page, "g", "w");
        var waiting = page.Locator($"[data-waiting=approval-{change}]");
        await Expect(waiting.Locator("[data-file='agent.yaml'] .diff-line.added")).ToContainTextAsync("model: larger");
        await PressAsync(page, "Enter");
        await Expect(waiting.GetByRole(AriaRole.Region, new() { Name = "The changes" })).ToBeFocusedAsync();
        await Expect(waiting.GetByRole(AriaRole.Button, new() { Name = $"Approve {change}" })).ToBeInViewportAsync();
        await PressAsync(page, "a");
        await Expect(Toast(page, "held")).ToContainTextAsync($"{change}: commit {commit} for alice");
        await PressAsync(page, "z");
        await Expect(Toast(page, "held")).ToHaveCountAsync(0);
        Assert.Equal("pending", await StatusAsync(change));
        // A double click holds it, as one click does.
        await waiting.GetByRole(AriaRole.Button, new() { Name = $"Approve {change}" }).DblClickAsync();
        await Expect(Toast(page, "held")).ToContainTextAsync($"{change}: commit {commit} for alice");
        Assert.Equal("pending", await StatusAsync(change));
        await PressAsync(page, "z");
        await Expect(Toast(page, "held")).ToHaveCountAsync(0);
        // It may be another decision then, and only one at a time.
        await PressAsync(page, "a");
        await Expect(waiting.GetByRole(AriaRole.Button, new() { Name = $"Deny {change}" })).ToBeDisabledAsync();
        Assert.Equal("pending", await StatusAsync(change));
        await page.Clock.FastForwardAsync(Hour);
        await Expect(Toast(page, "done").Last).ToContainTextAsync($"{change}: commit {commit} for alice");
        await Expect(Toast(page, "done").Last).ToContainTextAsync("approved and carried out, ");
        await PressAsync(page, "v");
        await Assertions.Expect(page).ToHaveURLAsync($"{Hive.Url}/changes/{change}");
        await Expect(page.Locator($"[data-review='{change}'] .state-word")).ToHaveTextAsync("approved");

        // In the changes it is the same: decided elsewhere in the hold, it is dropped and said.
        await Hive.CallAsync("request_spawn", new { name = "carol" });
        await GoAsync(page, $"/changes/{change + 1}");
        await Expect(page.Locator($"[data-review='{change + 1}']")).ToBeVisibleAsync();
        await PressAsync(page, "a");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await Hive.CallAsync("deny", new { id = change + 1, note = "we are enough" });
        await Expect(page.Locator(".refusals"))
            .ToContainTextAsync(
                $"Approval {change + 1} was denied elsewhere. Yours was not sent: "
                    + $"Approve {change + 1}: a new agent carol."
            );
        await Expect(page.Locator(".toast")).ToHaveCountAsync(0);
        Assert.Equal("denied", await StatusAsync(change + 1));

        async Task<string> StatusAsync(long id) =>
            (await Hive.CallAsync("pending", new { all = true }))
                .GetProperty("approvals")
                .EnumerateArray()
                .Single(row => row.GetProperty("id").GetInt64() == id)
                .GetProperty("status")
                .GetString()!;
    }

    [Fact]
    public async Task Several_denials_are_written_at_once_in_a_box_that_has_the_focus()
    {
        foreach (var name in new[] { "ann", "ben", "cleo" })
            await Hive.CallAsync("request_spawn", new { name });
        var page = await AtAsync("/waiting");
        await Expect(page.Locator("[data-waiting=approval-1]")).ToBeVisibleAsync();
        foreach (var key in new[] { "j", "x", "j", "x" })
            await page.Keyboard.PressAsync(key);
        await Expect(page.Locator("#many-title")).ToHaveTextAsync("2 selected");
        var chosen = await page.Locator(".list-row.chosen")
            .EvaluateAllAsync<string[]>("rows => rows.map(row => row.dataset.key)");

        await page.Keyboard.PressAsync("d");
        await Expect(page.Locator(".waiting-detail textarea")).ToBeFocusedAsync();
        await page.Keyboard.TypeAsync("not now");
        await page.Keyboard.PressAsync("Enter");
        await Expect(Toast(page, "held")).ToContainTextAsync("2 selected");
        await Expect(page.Locator("[data-key]:focus")).ToHaveCountAsync(1);
        await Expect(page.Locator(".list-row.chosen")).ToHaveCountAsync(0);
        await Expect(page.Locator("[data-key^=approval-]")).ToHaveCountAsync(1);

        var ends = (await Hive.CallAsync("pending", new { all = true })).GetProperty("approvals").EnumerateArray();
        Assert.Equal(
            chosen.Order().Select(key => $"{key} denied not now"),
            ends.Where(row => row.GetProperty("status").GetString() != "pending")
                .Select(row =>
                    $"approval-{row.GetProperty("id")} {row.GetProperty("status")} {row.GetProperty("note")}"
                )
                .Order()
        );
    }

    [Fact]
    public async Task Everything_done_at_once_and_taken_back_leaves_the_snapshot_as_it_was()
    {
        // The page may ask what became of the row that was put aside.
        Expected = ["status of 404"];
        using (var alice = await Hive.JoinAsync("alice"))
        using (var bob = await Hive.JoinAsync("bob"))
        {
            await alice.CallAsync("remind", new { message = "look", delay_seconds = 3600 });
            await alice.AskAsync(new { question = "Ship it?", ttl_seconds = 3600 });
            await alice.AskAsync(new { question = "Is it done?", to = "bob" });
            await bob.AskAsync(new { question = "May I?", to = "alice" });
            await alice.CallAsync("set_status", new { text = "half done" });
            await alice.CallAsync("send", new { to = "operator", body = "the tests are green" });
            await alice.AskAsync(new { question = "Too late?", ttl_seconds = 1 });
        }

        var profile = await ProfileAsync();
        // Toasts, which stay for four and for eight seconds, stay as long as a slow machine needs.
        await profile.AddInitScriptAsync(
            "const set = setTimeout; setTimeout = (run, ms) => set(run, ms === 4000 || ms === 8000 ? 600_000 : ms);"
        );
        var page = await AtAsync(profile, "/waiting/question_expired-4");
        await Expect(page.Locator("[data-waiting=question_expired-4]")).ToBeVisibleAsync();
        // Rows of agents follow within a second.
        await Patience.Until(async () => await UnreadAsync() == (2, 1), "both rows have settled");
        var before = await SnapshotAsync();

        // Put aside.
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator("[data-key=question_expired-4]")).ToHaveCountAsync(0);
        await TakenBackAsync(page.Locator("[data-key=question_expired-4]"));
        // Done, and unread.
        await GoAsync(page, "/waiting/message-alice");
        await Expect(page.Locator("[data-waiting=message-alice]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("e");
        await Expect(page.Locator("[data-key=message-alice]")).ToHaveCountAsync(0);
        await TakenBackAsync(page.Locator("[data-key=message-alice]"));
        // Snoozed.
        await GoAsync(page, "/waiting/question-1");
        await Expect(page.Locator("[data-waiting=question-1]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("s");
        await Expect(page.GetByRole(AriaRole.Menuitem).First).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("Enter");
        await Expect(page.Locator("[data-key=question-1]")).ToHaveCountAsync(0);
        await TakenBackAsync(page.Locator("[data-key=question-1]"));
        // Paused.
        await GoAsync(page, "/agents");
        await PickAsync(page, "alice", "Pause alice");
        await Expect(Toast(page, "done")).ToBeVisibleAsync();
        Assert.True(await Hive.IsPausedAsync("alice"));
        await TakenBackAsync(Row(page, "alice"));
        // Destroyed.
        await PickAsync(page, "alice", "Destroy alice");
        await Expect(Row(page, "alice")).ToHaveCountAsync(0);
        await Expect(Toast(page, "done")).ToBeVisibleAsync();
        await TakenBackAsync(Row(page, "alice"));

        async Task<(int, int)> UnreadAsync()
        {
            var rows = (await Hive.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
            // While one is connected it counts as not yet settled.
            var unread = rows.ToDictionary(
                row => row.GetProperty("name").GetString()!,
                row => row.GetProperty("running").GetBoolean() ? -1 : row.GetProperty("unread").GetInt32()
            );
            return (unread["alice"], unread["bob"]);
        }

        async Task TakenBackAsync(ILocator shown)
        {
            await TakeBackAsync(page);
            await Expect(Toast(page, "undone").Last).ToBeVisibleAsync();
            await Expect(shown).ToBeVisibleAsync();
            await SameAsync(before);
        }
    }

    [Fact]
    public async Task A_held_action_is_sent_once_over_a_sleep_and_a_jump_of_the_clock()
    {
        Expected = HostAway;
        using var alice = await Hive.JoinAsync("alice");
        var ids = new[]
        {
            await alice.AskAsync(new { question = "Before a sleep?" }),
            await alice.AskAsync(new { question = "Before a jump?" }),
        };
        var page = await SignedInAsync();
        await page.Clock.InstallAsync();
        List<string> sent = [];
        page.Request += (_, request) =>
        {
            if (request.Url.EndsWith("/cancel", StringComparison.Ordinal))
                sent.Add(new Uri(request.Url).AbsolutePath);
        };
        await GoAsync(page, $"/waiting/question-{ids[0]}");
        await Expect(page.Locator($"[data-waiting=question-{ids[0]}]")).ToBeVisibleAsync();

        // The laptop sleeps for an hour: each timer that is due fires once.
        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await page.Clock.FastForwardAsync(3_600_000);
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(ids[0])).Answer);

        // The clock is set back by a day: what is held is sent after its time all the same.
        await StateIs(page, "live");
        await GoAsync(page, $"/waiting/question-{ids[1]}");
        await Expect(page.Locator($"[data-waiting=question-{ids[1]}]")).ToBeVisibleAsync();
        await page.Keyboard.PressAsync("d");
        await Expect(Toast(page, "held")).ToBeVisibleAsync();
        await page.Clock.SetSystemTimeAsync(DateTime.UtcNow.AddDays(-1));
        await page.Clock.RunForAsync(5_000);
        Assert.Equal("[cancelled]", (await alice.AnswerAsync(ids[1])).Answer);
        Assert.Equal([.. ids.Select(id => $"/api/questions/{id}/cancel")], sent);
    }

    [Fact]
    public async Task A_change_that_was_overtaken_is_proposed_again_with_one_click()
    {
        // It is approved elsewhere, and the page asks what became of it.
        Expected = ["status of 409"];
        await Hive.ApplyAsync("carol", "agent.yaml", "# a\nmodel: small\n\n\n# b\n");
        await Hive.SpawnAsync("carol", start: false);
        var page = await AtAsync("/agents/carol/config");
        await ProposedAsync("# a\nmodel: large\n\n\n# b\n", 1);
        await ProposedAsync("# a\nmodel: small\n\n\n# c\n", 2);
        await Hive.CallAsync("approve", new { id = 2 });
        await EndAsync(2, "approved");
        await GoAsync(page, "/changes/1");
        await page.Keyboard.PressAsync("a");
        await EndAsync(1, "failed");
        await GoAsync(page, "/waiting/approval_failed-1");
        await Expect(page.Locator(".note.bad")).ToContainTextAsync("was deployed for carol after this was proposed");
        await page.GetByRole(AriaRole.Button, new() { Name = "Propose again the change of carol" }).ClickAsync();
        await Expect(page.Locator("[data-key=approval-3]")).ToBeVisibleAsync();
        await Expect(page.Locator("[data-key=approval_failed-1]")).ToHaveCountAsync(0);
        await Hive.CallAsync("approve", new { id = 3 });
        await EndAsync(3, "approved");
        await GoAsync(page, "/agents/carol/config");
        await Expect(page.Locator("pre.yaml")).ToHaveTextAsync("# a\nmodel: large\n\n\n# c\n");

        async Task ProposedAsync(string yaml, int id)
        {
            var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Propose a change" });
            await box.FillAsync(yaml);
            await page.GetByRole(AriaRole.Button, new() { Name = "Propose the change" }).ClickAsync();
            await Expect(page.GetByRole(AriaRole.Tabpanel)).ToContainTextAsync($"approval {id}.");
        }

        async Task EndAsync(int id, string status)
        {
            var end = await Hive.CallAsync("approval", new { id, wait_seconds = 60 });
            Assert.Equal(status, end.GetProperty("approval").GetProperty("status").GetString());
        }
    }

    /// <summary>The snapshot and the list of what waits, member by member, without what no undo gives back.</summary>
    private async Task<SortedDictionary<string, string>> SnapshotAsync()
    {
        var state = await Hive.StateAsync();
        // Counts each event, also those of what was taken back.
        state.Remove("cursor");
        foreach (var agent in state["agents"]!.AsArray())
        {
            // A revived agent is in its state since the revival.
            agent!["activity"]?.AsObject().Remove("since_at");
            // The manager is told of a destroy and of a revival.
            if (agent["name"]!.GetValue<string>() == "manager")
                agent.AsObject().Remove("unread");
        }

        // Their ages grow with the time, and their order is that of whole seconds.
        foreach (var end in state["loose_ends"]!.AsArray())
            end!.AsObject().Remove("age_seconds");
        var ends = state["loose_ends"]!.AsArray().Select(end => end!.ToJsonString()).Order(StringComparer.Ordinal);
        state["loose_ends"] = string.Join('\n', ends);
        state["GET /api/waiting"] = (await Hive.ReadAsync("/api/waiting"))["waiting"]!.DeepClone();
        return new(
            state.ToDictionary(member => member.Key, member => member.Value?.ToJsonString() ?? "null"),
            StringComparer.Ordinal
        );
    }

    /// <summary>The host is as it was. Rows of agents follow up to a second after a change.</summary>
    private async Task SameAsync(SortedDictionary<string, string> before)
    {
        var now = await Patience.Last(SnapshotAsync, before.SequenceEqual);
        Assert.Equal(before.Keys, now.Keys);
        var different = before.Where(was => was.Value != now[was.Key]);
        var said = string.Join('\n', different.Select(was => $"{was.Key} was {was.Value} and is {now[was.Key]}"));
        Assert.True(said.Length == 0, said);
    }

    /// <summary>The waiting things, as the host has them.</summary>
    private async Task<string[]> WaitingAsync() =>
        [
            .. (await Hive.CallAsync("waiting"))
                .GetProperty("waiting")
                .Deserialize<WaitingView[]>(WireJson.Options)!
                .Select(row => $"{row.Key} {row.Title} {row.SnoozedUntilAt}"),
        ];
}
