using System.Text.RegularExpressions;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>A browser whose storage is full, forbidden or written by another version, and sessions that end.</summary>
public sealed partial class StorageTests(Browser browser) : DashboardTest(browser)
{
    private const string Forbidden = """
        Object.defineProperty(window, 'localStorage', {
          get() { throw new DOMException('Access is denied for this document.', 'SecurityError'); },
        });
        """;

    // Fills the storage to its last character, before a script of the page runs.
    private const string Full = """
        try {
          for (let size = 1 << 22; size >= 1; size = Math.floor(size / 2))
            for (let i = 0; i < 4; i++)
              try { localStorage.setItem(`filled.${size}.${i}`, 'x'.repeat(size)); } catch { break; }
        } catch {}
        """;

    [Theory]
    [InlineData(Forbidden)]
    [InlineData(Full)]
    public async Task Without_storage_every_place_works_and_a_draft_says_that_it_is_not_kept(string script)
    {
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var profile = await ProfileAsync();
        await profile.AddInitScriptAsync(script);
        var page = await profile.NewPageAsync();
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");

        foreach (
            var place in new[] { "Agents", "Messages", "Changes", "Statistics", "System", "Settings", "Your call" }
        )
        {
            await page.Locator(".nav").GetByRole(AriaRole.Link, new() { Name = place }).First.ClickAsync();
            await Expect(page.Locator("main h1").First).ToBeVisibleAsync();
        }

        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Answer" });
        await box.FillAsync("yes, on Monday");
        await Expect(page.Locator(".writing-note")).ToContainTextAsync("its storage is full or forbidden");
        await page.Locator(".nav").GetByRole(AriaRole.Link, new() { Name = "Overview" }).First.ClickAsync();
        await page.GoBackAsync();
        await Expect(box).ToHaveValueAsync("yes, on Monday");
        await box.PressAsync("Enter");
        Assert.Equal(("yes, on Monday", "operator"), await alice.AnswerAsync(id));
    }

    [Fact]
    [Sampled]
    public async Task Stored_values_of_another_version_are_kept_or_ignored()
    {
        using var alice = await Hive.JoinAsync("alice");
        await alice.AskAsync(new { question = "Ship it?" });
        var page = await SignedInAsync();
        foreach (
            var value in Ring.Sample(
                ["", "null", "[]", "[null]", "[[1, 2], 3]", "{}", "{", "[{\"label\": 5, \"of\": null}]"],
                3
            )
        )
        {
            await page.EvaluateAsync(
                """
                value => {
                  const names = ['sent', 'left', 'reviews', 'palette', 'window', 'to', 'looked'];
                  for (const name of names) localStorage.setItem(`hive.${name}`, value);
                  localStorage.setItem('hive.draft', 'of the first version');
                  localStorage.setItem('hive.draft.to:alice', 'half a sentence');
                }
                """,
                value
            );
            await GoAsync(page, "/");
            foreach (var place in new[] { "Statistics", "Changes", "Your call", "Messages" })
            {
                await page.Locator(".nav").GetByRole(AriaRole.Link, new() { Name = place }).First.ClickAsync();
                await Expect(page.Locator("main h1").First).ToBeVisibleAsync();
            }

            await Expect(page.Locator(".compose-bar .prompt")).ToHaveTextAsync(Name());
            await Expect(page.Locator(".refusals")).ToHaveTextAsync("");
            await page.Keyboard.PressAsync("Control+k");
            var palette = page.GetByRole(AriaRole.Dialog, new() { Name = "Search or do anything" });
            await Expect(palette.GetByRole(AriaRole.Option).First).ToBeVisibleAsync();
            await page.Keyboard.PressAsync("Escape");
            await GoAsync(page, "/agents/alice/messages");
            await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = "Message to alice" }))
                .ToHaveValueAsync("half a sentence");
        }
    }

    [Fact]
    public async Task Two_tabs_share_a_draft_and_the_comments_of_a_review()
    {
        (await Hive.JoinAsync("alice")).Dispose();
        using var manager = await Hive.OpenAsync("manager");
        await File.WriteAllTextAsync(Path.Combine(Hive.ConfigOf("alice"), "notes.yaml"), "one: 1\ntwo: 2\n");
        await Hive.GitAsync("alice", "add", "-A");
        string[] manages = ["-c", "user.name=manager", "-c", "user.email=manager@hive"];
        await Hive.GitAsync("alice", [.. manages, "commit", "-qm", "notes"]);
        var commit = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        await manager.CallAsync("request_apply_commit", new { agent = "alice", commit_ref = commit });
        var first = await AtAsync("/changes/1");
        var second = await first.Context.NewPageAsync();
        await GoAsync(second, "/changes/1");

        // Each comments on a line of its own: neither removes the other's.
        foreach (var (page, line, text) in new[] { (first, 1, "why one?"), (second, 2, "why two?") })
        {
            await page.GetByRole(AriaRole.Button, new() { Name = $"Comment on line {line}, which is added" })
                .ClickAsync();
            await Expect(page.GetByRole(AriaRole.Textbox, new() { Name = $"Comment on line {line} of" }))
                .ToBeFocusedAsync();
            await page.Keyboard.TypeAsync(text);
            await page.Keyboard.PressAsync("Enter");
            await Expect(page.Locator(".diff")).ToContainTextAsync(text);
        }

        await Expect(first.Locator(".diff")).ToContainTextAsync("why two?");
        await first.ReloadAsync();
        await Expect(first.Locator(".diff")).ToContainTextAsync("why one?");
        await Expect(first.Locator(".diff")).ToContainTextAsync("why two?");

        // One draft in two tabs: both have what was written last, also after a reload of either.
        var boxes = new List<ILocator>();
        foreach (var page in new[] { first, second })
        {
            await GoAsync(page, "/agents/alice/messages");
            boxes.Add(page.GetByRole(AriaRole.Textbox, new() { Name = "Message to alice" }));
        }

        for (var i = 0; i < 6; i++)
        {
            await boxes[i % 2].PressSequentiallyAsync($"{i} ");
            await Expect(boxes[(i + 1) % 2]).ToHaveValueAsync(new Regex($" ?{i} $"));
        }

        foreach (var box in boxes)
            await Expect(box).ToHaveValueAsync("0 1 2 3 4 5 ");
        await first.ReloadAsync();
        await Expect(boxes[0]).ToHaveValueAsync("0 1 2 3 4 5 ");
    }

    [Fact]
    public async Task An_answer_outlives_the_end_of_its_session()
    {
        Expected = ["status of 401"];
        using var alice = await Hive.JoinAsync("alice");
        var id = await alice.AskAsync(new { question = "Ship it?" });
        var page = await AtAsync($"/waiting/question-{id}");
        var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Answer" });
        await box.FillAsync("yes, on Mon");
        await page.EvaluateAsync(
            """
            fetch('/api/session', {
              method: 'DELETE',
              headers: { Authorization: `Bearer ${localStorage.getItem('hive.key')}` },
            })
            """
        );
        await box.PressSequentiallyAsync("day");
        await box.PressAsync("Enter");
        await Expect(page.Locator(".login")).ToContainTextAsync("does not know this session");
        await page.GetByLabel("Or paste the link").FillAsync(await Hive.LoginLinkAsync());
        await page.Keyboard.PressAsync("Enter");

        await StateIs(page, "live");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await Expect(box).ToHaveValueAsync("yes, on Monday");
        await box.PressAsync("Enter");
        Assert.Equal(("yes, on Monday", "operator"), await alice.AnswerAsync(id));
    }

    [Fact]
    public async Task The_key_and_drafts_of_another_Hive_at_the_same_address_open_and_change_nothing()
    {
        Expected =
        [
            "status of 401",
            "ERR_CONNECTION_REFUSED",
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_CONNECTION_RESET",
            "ERR_EMPTY_RESPONSE",
        ];
        using (var alice = await Hive.JoinAsync("alice"))
            await alice.AskAsync(new { question = "The first Hive's question?" });
        var page = await AtAsync("/waiting/question-1");
        var box = page.GetByRole(AriaRole.Textbox, new() { Name = "Answer" });
        await box.FillAsync("for the first Hive");
        await Hive.StopHostAsync();
        await StateIs(page, "reconnecting");

        await using (var other = await LiveHive.StartAsync(Clock, Hive.Url))
        {
            using var bob = await other.JoinAsync("bob");
            await bob.AskAsync(new { question = "The other Hive's question?" });
            await page.EvaluateAsync("dispatchEvent(new Event('online'))");
            await Expect(page.Locator(".login")).ToContainTextAsync("does not know this session");
            await page.GotoAsync($"{Hive.Url}/waiting/question-1");
            await Expect(page.Locator(".login")).ToBeVisibleAsync();
            await page.GetByLabel("Or paste the link").FillAsync(await other.LoginLinkAsync());
            await page.Keyboard.PressAsync("Enter");
            await StateIs(page, "live");
            await Expect(page.Locator("[data-waiting=question-1]")).ToContainTextAsync("The other Hive's question?");
            await Expect(box).ToHaveValueAsync("");
        }

        await Hive.StartHostAsync();
        await page.GotoAsync(await Hive.LoginLinkAsync());
        await StateIs(page, "live");
        await GoAsync(page, "/waiting/question-1");
        await Expect(page.Locator("[data-waiting=question-1]")).ToContainTextAsync("The first Hive's question?");
        await Expect(box).ToHaveValueAsync("for the first Hive");
    }

    [GeneratedRegex("^@[a-z0-9-]+>$")]
    private static partial Regex Name();
}
