using System.Runtime.CompilerServices;
using System.Text.RegularExpressions;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>
/// Compares each place, as a screen reader has it, with the files in <c>aria</c>. <c>HIVE_UPDATE_ARIA=1</c> writes the
/// files.
/// </summary>
public sealed partial class AriaTests(Browser browser) : DashboardTest(browser)
{
    [Fact]
    public async Task Each_place_is_to_a_screen_reader_what_its_file_says()
    {
        Expected = ["status of 404"];
        List<string> faults = [];
        var profile = await ProfileAsync();
        // Whether Claude Code is on this machine is not what this test is about.
        await profile.RouteAsync("**/api/drivers", route => route.FulfillAsync(new() { Json = Drivers }));
        var first = await profile.NewPageAsync();
        await first.GotoAsync(await Hive.LoginLinkAsync());
        await Expect(first.GetByRole(AriaRole.Heading, new() { Name = "Make an agent" })).ToBeVisibleAsync();
        await Expect(first.GetByRole(AriaRole.Radio, new() { Name = "scripted" })).ToBeVisibleAsync();
        await CompareAsync(faults, "first-run", first.GetByRole(AriaRole.Main));

        using var alice = await Hive.JoinAsync("alice");
        using var bob = await Hive.JoinAsync("bob");
        using var manager = await Hive.OpenAsync("manager");
        var (turn, change) = await PlayAsync(alice, bob, manager);
        var page = first;
        foreach (var (name, path, there) in Places(turn, change))
        {
            await GoAsync(page, path);
            await Expect(page.Locator(there).First).ToBeVisibleAsync();
            await Expect(page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveCountAsync(1);
            // Of a list only some rows may be in the document: each says which of how many it is.
            var rows = await page.Locator("list-row[role=listitem]")
                .EvaluateAllAsync<string[]>("rows => rows.map(row => `${row.ariaPosInSet} of ${row.ariaSetSize}`)");
            Assert.Equal(Enumerable.Range(1, rows.Length).Select(i => $"{i} of {rows.Length}"), rows);
            // Findings are this machine's.
            await page.EvaluateAsync(
                "document.querySelectorAll('#doctor .findings, #doctor .count, #doctor summary')"
                    + ".forEach(element => (element.hidden = true))"
            );
            await CompareAsync(faults, name, name == "home" ? page.Locator("body") : page.GetByRole(AriaRole.Main));
        }

        await GoAsync(page, "/agents");
        foreach (var (name, key) in new[] { ("palette", "Control+k"), ("keys", "?"), ("make", "n") })
        {
            await page.Keyboard.PressAsync(key);
            if (name == "make")
                await Expect(page.GetByRole(AriaRole.Radio, new() { Name = "scripted" })).ToBeVisibleAsync();
            await CompareAsync(faults, name, page.GetByRole(AriaRole.Dialog));
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.GetByRole(AriaRole.Dialog)).ToHaveCountAsync(0);
        }

        var stranger = await (await ProfileAsync()).NewPageAsync();
        await stranger.GotoAsync(Hive.Url);
        await Expect(stranger.GetByText("./hive open")).ToBeVisibleAsync();
        await CompareAsync(faults, "login", stranger.Locator("body"));
        Assert.True(faults.Count == 0, string.Join("\n\n", faults));
    }

    private static object Drivers { get; } = new
    {
        drivers = new object[]
        {
            new
            {
                name = "claude",
                found = true,
                version = "2.1.330",
                models = new[] { "opus", "sonnet" },
                hint = "each agent that runs it logs in on its own page",
            },
            new
            {
                name = "scripted",
                found = true,
                models = Array.Empty<string>(),
            },
        },
        roles = new[]
        {
            new
            {
                name = "reviewer",
                title = "Reviewer",
                text = "Review.",
            },
        },
    };

    private static (string Name, string Path, string There)[] Places(long turn, long change) =>
        [
            ("home", "/", ".home-row.works"),
            ("waiting", "/waiting", ".waiting-detail .context a[href*=turns]"),
            ("waiting-question", "/waiting/question-1", ".waiting-detail:has(.answer-form) .context a[href*=turns]"),
            ("agents", "/agents", "[data-agent=bob]"),
            ("agents-kept", "/agents?state=kept", ".kept li, .kept tr"),
            ("agent-live", "/agents/alice", ".entry[data-kind=turn_ended]"),
            ("agent-messages", "/agents/alice/messages", ".message"),
            ("agent-turns", "/agents/alice/turns", "[data-turn]"),
            ("agent-turn", $"/agents/alice/turns/{turn}", "[data-one-turn] .entry"),
            ("agent-files", "/agents/alice/files", "main .files .empty"),
            ("agent-config", "/agents/alice/config", "main textarea"),
            ("agent-log", "/agents/printer/log", "main [role=log]"),
            ("board", "/board", "[data-card]"),
            ("ticket", "/tickets/1", ".ticket-title"),
            ("messages", "/messages", ".message"),
            ("message", "/messages/1", ".message"),
            ("changes", $"/changes/{change}", ".diff-line"),
            ("changes-inputs", "/changes?show=inputs", ".inputs section"),
            ("stats", "/stats", "[data-stats=alice]"),
            ("system", "/system", "#doctor details"),
            ("settings", "/settings", "[data-command]"),
            ("missing", "/mesages", "main p"),
        ];

    /// <summary>A small day: a turn, a talk, a question, a failed message, a proposal, kept state.</summary>
    private async Task<(long Turn, long Change)> PlayAsync(LineClient alice, LineClient bob, LineClient manager)
    {
        await Hive.CallAsync("ticket_create", new { title = "Log in with a passkey", labels = new[] { "shop" } });
        await alice.CallAsync("set_status", new { text = "reading the design" });
        await alice.ReportAsync(
            "idle",
            new
            {
                driver = "claude",
                model = "claude-sonnet-4-5",
                context_tokens = 52_300,
                context_limit = 200_000,
            }
        );
        var turn = await Hive.BeginTurnAsync(alice, "alice", "How far is the parser?");
        await alice.EmitAsync(
            new
            {
                kind = "text",
                at = DateTimeOffset.UtcNow,
                text = "I look at the tests.",
            },
            new
            {
                kind = "tool_call",
                at = DateTimeOffset.UtcNow,
                id = "a",
                tool = "Bash",
                input = new { command = "make test" },
            },
            new
            {
                kind = "tool_result",
                at = DateTimeOffset.UtcNow,
                id = "a",
                text = "12 passed",
            }
        );
        await alice.EndTurnAsync(turn);
        await alice.CallAsync(
            "send",
            new
            {
                to = "operator",
                body = "The parser is done.",
                in_reply_to = 1,
            }
        );
        await alice.AskAsync(
            new
            {
                question = "How long shall a session live?",
                options = new[] { "30 days", "12 hours" },
                ttl_seconds = 20_000,
            }
        );
        await WaitingTests.ParkAsync(alice, bob);
        await bob.CallAsync("remind", new { message = "look at the build", delay_seconds = 7200 });
        (await Hive.JoinAsync("gone")).Dispose();
        await Hive.CallAsync("destroy", new { name = "gone" });
        await Hive.SpawnAsync("printer", start: false);
        await Hive.PrintAsync("printer", ["one line", "another line"]);
        var change = await ApprovalTests.ProposeAsync(Hive, manager, "model: larger\n", "a larger model");
        return (turn, change);
    }

    private async Task CompareAsync(List<string> faults, string name, ILocator of, [CallerFilePath] string here = "")
    {
        var file = Path.Combine(Path.GetDirectoryName(here)!, "aria", $"{name}.yml");
        var expected = Run.UpdatesAria ? null : await File.ReadAllTextAsync(file);
        var tree = await RestingTreeAsync(of, expected);
        // A region without a name is not a landmark.
        Assert.DoesNotMatch("(?m)- region:", tree);
        if (expected is null)
        {
            Directory.CreateDirectory(Path.GetDirectoryName(file)!);
            await File.WriteAllTextAsync(file, tree);
        }
        else if (tree != expected)
            faults.Add($"{name} differs from {file}; HIVE_UPDATE_ARIA=1 writes it. It is now:\n{tree}");
    }

    /// <summary>The tree as expected, or after a minute as it is then; without an expectation, once it stays.</summary>
    private Task<string> RestingTreeAsync(ILocator of, string? expected)
    {
        // A part of a place may still be loading.
        var before = expected;
        return Patience.Last(
            async () => Stable(await of.AriaSnapshotAsync()) + "\n",
            tree =>
            {
                var rests = tree == before;
                before = expected ?? tree;
                return rests;
            }
        );
    }

    /// <summary>The tree without what another run has differently.</summary>
    private string Stable(string tree)
    {
        tree = tree.Replace(Hive.Url, "{hive}", StringComparison.Ordinal);
        tree = tree.Replace(Environment.MachineName, "{host}", StringComparison.Ordinal);
        tree = Version().Replace(tree, "Hive {version} on");
        tree = Time().Replace(tree, "{time}");
        tree = Age().Replace(tree, "{age}");
        return Commit().Replace(tree, "{commit}");
    }

    [GeneratedRegex(@"Hive \S+ on")]
    private static partial Regex Version();

    [GeneratedRegex(@"\b\d\d:\d\d(:\d\d)?\b")]
    private static partial Regex Time();

    [GeneratedRegex(@"(?<!button "")\b\d+[smhd]\b( \d+[smhd]\b)*")]
    private static partial Regex Age();

    // The short form of a commit may have no letter.
    [GeneratedRegex(@"\b(?=[0-9a-f]*[0-9])((?=[0-9a-f]*[a-f])[0-9a-f]{7,64}|[0-9]{7})\b")]
    private static partial Regex Commit();
}
