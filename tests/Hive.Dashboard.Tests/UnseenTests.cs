using Hive.Protocol;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Invisible characters, and those that change the direction of text: they are written out, and change the
/// direction of no text of Hive's own.</summary>
public sealed class UnseenTests(Browser browser) : DashboardTest(browser)
{
    // A right-to-left letter is shown as it is; invisible direction marks are written out.
    private const string Hostile = "x\u202Ey\u2066z\u200Bא";

    private const string Shown = "x⟨U+202E⟩y⟨U+2066⟩z⟨U+200B⟩א";

    // Returns the faults, and the number of texts that hold the words.
    private const string FindHidden = """
        () => {
          const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]/;
          const faults = [];
          let shown = 0;
          const path = (el) => el === null ? '' : `${el.tagName}.${el.className} in ${el.closest('[id]')?.id}`;
          const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
          for (let text = texts.nextNode(); text !== null; text = texts.nextNode()) {
            const parent = text.parentElement;
            if (unseen.test(text.data)) faults.push(`not seen: ${path(parent)}`);
            if (!text.data.includes('א')) continue;
            shown++;
            if (!/isolate|plaintext/.test(getComputedStyle(parent).unicodeBidi))
              faults.push(`not isolated: ${path(parent)}`);
            const own = (node) => node.nodeType === 3 && node.data.trim() !== '' && !node.data.includes('א');
            if ([...parent.childNodes].some(own))
              faults.push(`together with words of Hive's own: ${path(parent)}`);
          }
          for (const el of document.querySelectorAll('[title], [aria-label]'))
            if (unseen.test(el.title) || unseen.test(el.getAttribute('aria-label') ?? ''))
              faults.push(`not seen in an attribute: ${path(el)}`);
          return [[...new Set(faults)], [String(shown)]];
        }
        """;

    [Fact]
    public async Task Hidden_characters_show_in_every_place()
    {
        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        using var manager = await Hive.OpenAsync("manager");
        await alice.CallAsync("set_status", new { text = Hostile });
        await alice.CallAsync("send", new { to = "bob", body = Hostile });
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var id = (await bob.CallAsync("recv", new { wait_seconds = 30 }))
                .GetProperty("messages")[0]
                .GetProperty("id")
                .GetInt64();
            await bob.CallAsync(
                "nack",
                new
                {
                    ids = new[] { id },
                    delay_seconds = 0,
                    error = Hostile,
                }
            );
        }

        Directory.CreateDirectory(Hive.Shared);
        await File.WriteAllTextAsync(
            Path.Combine(Hive.Shared, "plan.md"),
            $"# {Hostile}\n\n- {Hostile} **{Hostile}** [{Hostile}](http://x/{Hostile}) `{Hostile}`\n"
        );
        await File.WriteAllTextAsync(Path.Combine(Hive.Shared, "notes.txt"), $"{Hostile}\n");
        await alice.CallAsync(
            "send",
            new { to = "operator", body = $"{Hostile} /shared/plan.md {Hostile} /shared/notes.txt" }
        );
        await alice.CallAsync("ask", new { question = Hostile, options = new[] { Hostile, "no" } });
        await alice.CallAsync(
            "ask",
            new
            {
                question = Hostile,
                options = new[] { Hostile },
                to = "bob",
            }
        );
        var asked = await alice.CallAsync("ask", new { question = Hostile, to = "bob" });
        await bob.CallAsync("answer", new { id = asked.GetProperty("id").GetInt64(), answer = Hostile });
        await alice.CallAsync("remind", new { message = Hostile, delay_seconds = 86_400 });
        var denied = (await manager.CallAsync("request_spawn", new { name = "carol", description = Hostile }))
            .GetProperty("id")
            .GetInt64();
        await Hive.CallAsync("deny", new { id = denied, note = Hostile });
        await manager.CallAsync("request_spawn", new { name = "dave", description = Hostile });
        await File.WriteAllTextAsync(
            Path.Combine(Hive.ConfigOf("alice"), $"{Hostile}.yaml"),
            $"{Hostile}: {Hostile}\n"
        );
        await Hive.GitAsync("alice", "add", "-A");
        await Hive.GitAsync(
            "alice",
            "-c",
            "user.name=manager",
            "-c",
            "user.email=manager@hive",
            "commit",
            "-qm",
            "hostile"
        );
        var commit = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        var proposal = await manager.CallAsync(
            "request_apply_commit",
            new
            {
                agent = "alice",
                commit_ref = commit,
                description = Hostile,
            }
        );
        await Hive.SpawnAsync("printer", start: false);
        await Hive.PrintAsync("printer", [Hostile]);
        var page = await SignedInAsync();
        string[] places =
        [
            "/",
            "/waiting/question-1",
            "/waiting/message-alice",
            "/waiting?kind=parked",
            "/waiting?kind=approval",
            "/waiting?show=peers",
            "/waiting?show=answered",
            "/waiting?show=reminders",
            "/agents",
            "/agents/alice/messages",
            "/messages",
            "/changes",
            $"/changes/{proposal.GetProperty("id").GetInt64()}",
            "/messages?open=file:/shared/plan.md",
            "/messages?open=file:/shared/notes.txt",
            "/agents?open=log:printer",
        ];
        foreach (var place in places)
        {
            await page.GotoAsync(Hive.Url + place);
            await StateIs(page, "live");
            var within = place.Contains("open=", StringComparison.Ordinal) ? ".panel" : "main";
            await Expect(page.Locator(within).GetByText("⟨U+202E⟩").First).ToBeVisibleAsync();
            await NothingIsHiddenAsync(page, place);
        }
    }

    [Fact]
    public async Task Hidden_characters_show_on_an_agents_page_and_in_the_statistics()
    {
        using var alice = await Hive.JoinAsync("alice");
        var at = DateTimeOffset.UtcNow;
        await alice.CallAsync("set_status", new { text = Hostile });
        await alice.CallAsync("ask", new { question = Hostile });
        var turn = await Hive.BeginTurnAsync(alice, "alice", Hostile);
        await alice.EndTurnAsync(turn, "failed", Hostile, Hostile, new Dictionary<string, int> { [Hostile] = 1 });
        await Hive.CallAsync("send", new { to = "alice", body = Hostile });
        var login = new
        {
            url = $"https://login.example/{Hostile}",
            output = Hostile,
            error = Hostile,
        };
        await alice.ReportAsync(
            "logging_in",
            new
            {
                driver = Hostile,
                model = Hostile,
                login,
            }
        );
        await alice.EmitAsync(
            new
            {
                kind = "turn_started",
                at,
                turn = 7,
                from = Hostile,
                text = $"Message 1 from bob:\n> {Hostile}\n",
            },
            new
            {
                kind = "text",
                at,
                text = Hostile,
            },
            new
            {
                kind = "thinking",
                at,
                text = Hostile,
            },
            new
            {
                kind = "tool_call",
                at,
                id = "a",
                tool = "Bash",
                input = new { command = Hostile, description = Hostile },
            },
            new
            {
                kind = "tool_result",
                at,
                id = "a",
                text = Hostile,
            },
            new
            {
                kind = "tool_call",
                at,
                id = "b",
                tool = "Edit",
                input = new
                {
                    file_path = Hostile,
                    old_string = Hostile,
                    new_string = "n",
                },
            },
            new
            {
                kind = "tool_call",
                at,
                id = "c",
                tool = $"mcp__{Hostile}__{Hostile}",
                input = new { a = Hostile, b = $"{Hostile}\n{Hostile}" },
            },
            new
            {
                kind = "tool_result",
                at,
                id = "none",
                text = Hostile,
                error = true,
            },
            new
            {
                kind = "stderr",
                at,
                text = Hostile,
            },
            new
            {
                kind = "note",
                at,
                text = Hostile,
                level = "warn",
            },
            new
            {
                kind = "of_a_later_harness",
                at,
                anything = Hostile,
            }
        );
        var page = await AtAsync("/agents/alice/live");
        await Expect(page.Locator(".entry[data-kind=note]")).ToContainTextAsync(Shown);
        await NothingIsHiddenAsync(page, "live");
        foreach (var fold in await page.Locator(".fold").AllAsync())
            await fold.ClickAsync();
        await NothingIsHiddenAsync(page, "live, unfolded");
        foreach (var place in new[] { "/agents/alice/turns", "/stats" })
        {
            await page.GotoAsync(Hive.Url + place);
            await StateIs(page, "live");
            await Expect(page.Locator("main").GetByText("⟨U+202E⟩").First).ToBeVisibleAsync();
            await NothingIsHiddenAsync(page, place);
        }
    }

    private static async Task NothingIsHiddenAsync(IPage page, string place)
    {
        var found = await page.EvaluateAsync<string[][]>(FindHidden);
        Assert.True(found[0].Length == 0, $"{place}: {string.Join("; ", found[0])}");
        Assert.NotEqual("0", found[1][0]);
    }
}
