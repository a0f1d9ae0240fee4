using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>Far more rows, lines and bytes than a screen holds: the page stays usable and says what it leaves
/// out.</summary>
public sealed class ScaleTests(Browser browser) : DashboardTest(browser)
{
    private const int Nodes = 3_000;

    // All of them would be far more elements.
    private static readonly int Questions = Ring.Count(1_000, 10_000);

    // More than the page holds of a thread.
    private const int Messages = 5_000;
    private static readonly int Agents = Ring.Count(300, 1_000);

    [Fact]
    [Sampled]
    public async Task Thousands_of_rows_and_agents_are_drawn_as_far_as_they_are_seen()
    {
        Expected = ["status of 409"];
        (await Hive.JoinAsync("alice")).Dispose();
        await Hive.FillAsync(
            $"""
            WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < {Questions - 1})
            INSERT INTO questions (asker, question, question_refs, options, asked_at)
            SELECT 'alice', 'Question ' || i || '?', '[]', '[]', 1769860800000 + i FROM n
            """,
            $"""
            WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {Messages})
            INSERT INTO messages (id, sender, recipient, body, sent_at, acked_at, in_reply_to)
            SELECT i, 'alice', 'manager', 'word ' || i, unixepoch() * 1000, unixepoch() * 1000,
                   CASE WHEN i > 1 THEN i - 1 END FROM n
            """
        );
        var page = await SignedInAsync();
        await page.RouteAsync("**/api/state", AddAgentsAsync);
        await GoAsync(page, "/waiting");
        var list = page.Locator("#waiting-list");
        await Expect(page.Locator(".nav > ul .nav-count").Filter(new() { HasText = $"{Questions} waiting" }))
            .ToHaveCountAsync(1);
        await Assertions.Expect(page).ToHaveTitleAsync(new Regex($@"^\({Questions}\) "));
        await Expect(list.Locator(".list-row").First).ToHaveAttributeAsync("aria-setsize", $"{Questions}");
        await Expect(page.Locator("[data-waiting=question-1]")).ToContainTextAsync("Question 0?");
        await BoundedAsync(page);
        await list.FocusAsync();
        await page.Keyboard.PressAsync("Shift+G");
        await Expect(list.Locator($"[data-key=question-{Questions}]")).ToBeFocusedAsync();
        await Expect(page.Locator($"[data-waiting=question-{Questions}]"))
            .ToContainTextAsync($"Question {Questions - 1}?");
        await page.Keyboard.PressAsync("k");
        await Expect(list.Locator($"[data-key=question-{Questions - 1}]")).ToBeFocusedAsync();
        await page.Keyboard.PressAsync("/");
        await page.Keyboard.TypeAsync("question 77?");
        await Expect(list.Locator(".list-row")).ToHaveCountAsync(1);
        await page.Keyboard.PressAsync("Escape");
        await BoundedAsync(page);

        // A row that is decided elsewhere says so.
        var id = Questions / 2;
        await GoAsync(page, $"/waiting/question-{id}");
        await Expect(page.Locator($"[data-waiting=question-{id}]")).ToBeVisibleAsync();
        await Hive.CallAsync("answer", new { id, answer = "yes" });
        await Expect(page.Locator(".gone")).ToContainTextAsync($"question {id} was answered by operator");
        await Expect(list.Locator(".list-row").First).ToHaveAttributeAsync("aria-setsize", $"{Questions - 1}");

        await GoAsync(page, "/");
        await Expect(page.Locator(".home-row.more").First).ToContainTextAsync($"… {Questions - 16} more");
        await Expect(page.Locator(".home-row.more").Last).ToContainTextAsync("all agents");
        await BoundedAsync(page);
        await page.Keyboard.PressAsync("Control+k");
        await page.Keyboard.TypeAsync("agent-277");
        await Expect(page.GetByRole(AriaRole.Option).First).ToContainTextAsync("agent-277");
        await BoundedAsync(page);
        await page.Keyboard.PressAsync("Escape");

        await GoAsync(page, "/agents");
        await page.Locator("main [role=grid]").FocusAsync();
        await page.Keyboard.PressAsync("Shift+G");
        await Expect(page.Locator("[data-agent]:focus, [data-key]:focus")).ToHaveCountAsync(1);
        await Expect(page.Locator("main [role=grid]")).ToHaveAttributeAsync("aria-rowcount", $"{Agents + 3}");
        await BoundedAsync(page);

        // A thread, at its first message and further on: the list says that the newest are missing.
        foreach (var message in new[] { 1, Messages / 2, Messages - 1 })
        {
            await GoAsync(page, $"/messages/{message}");
            await Expect(page.Locator($"#thread [data-key='{message}']")).ToBeInViewportAsync();
            await BoundedAsync(page);
        }

        await GoAsync(page, "/messages/1");
        await Expect(page.Locator(".messages-edge")).ToContainTextAsync("without the newest");
        await page.GetByRole(AriaRole.Button, new() { Name = "Go to the newest message" }).ClickAsync();
        await Expect(page.Locator("#thread")).ToContainTextAsync($"word {Messages}");
        await Expect(page.Locator(".messages-edge")).Not.ToContainTextAsync("without the newest");
        await BoundedAsync(page);
    }

    [Fact]
    public async Task A_mebibyte_in_a_diff_or_in_one_line_is_cut_and_says_so()
    {
        const int Mebibyte = 1 << 20;
        (await Hive.JoinAsync("alice")).Dispose();
        using var manager = await Hive.OpenAsync("manager");
        var folder = Hive.ConfigOf("alice");
        var lines = Enumerable
            .Range(0, 20_000)
            .Select(i => $"key-{i:00000}: [a, \"b\", {i}, \"{new string('v', 24)}\"]");
        await File.WriteAllTextAsync(Path.Combine(folder, "many.yaml"), string.Join('\n', lines)[..(Mebibyte - 64)]);
        await File.WriteAllTextAsync(Path.Combine(folder, "one.json"), $"[{new string('1', Mebibyte - 2)}]");
        await Hive.GitAsync("alice", "add", "-A");
        string[] manages = ["-c", "user.name=manager", "-c", "user.email=manager@hive"];
        await Hive.GitAsync("alice", [.. manages, "commit", "-qm", "many"]);
        var commit = await Hive.GitAsync("alice", "rev-parse", "HEAD");
        await manager.CallAsync("request_apply_commit", new { agent = "alice", commit_ref = commit });
        var shared = Directory.CreateDirectory(Hive.Shared).FullName;
        await File.WriteAllTextAsync(Path.Combine(shared, "one.txt"), new string('x', Mebibyte));
        await File.WriteAllTextAsync(Path.Combine(shared, "one.md"), $"# {new string('y', Mebibyte - 2)}");
        var page = await AtAsync("/changes/1");

        (string Name, string Said)[] files =
        [
            ("many.yaml", "Only its beginning is shown"),
            ("one.json", "Only its beginning is shown"),
        ];
        foreach (var (name, said) in files)
        {
            var file = page.Locator($"[data-file='{name}']");
            if (await file.Locator(".diff-name").GetAttributeAsync("aria-expanded") == "false")
                await file.Locator(".diff-name").ClickAsync();
            await Expect(file).ToContainTextAsync(said, new() { UseInnerText = true });
            await BoundedAsync(page);
        }

        foreach (var name in new[] { "one.txt", "one.md" })
        {
            await GoAsync(page, $"/messages?open=file:/shared/{name}");
            await Expect(page.Locator(".panel .numbered")).ToBeVisibleAsync();
            await Expect(page.Locator(".viewer")).ToContainTextAsync("of this line are left out");
            Assert.InRange((await page.Locator(".viewer").InnerTextAsync()).Length, 1_000, 64_000);
            await BoundedAsync(page);
            await page.Keyboard.PressAsync("Escape");
            await Expect(page.Locator(".panel")).ToHaveCountAsync(0);
        }
    }

    /// <summary>A snapshot of the host with many more agents: to make them takes a minute.</summary>
    private static async Task AddAgentsAsync(IRoute route)
    {
        var answer = await route.FetchAsync();
        var snapshot = JsonNode.Parse(await answer.TextAsync())!;
        var agents = snapshot["agents"]!.AsArray();
        for (var i = 0; i < Agents; i++)
        {
            var agent = agents[0]!.DeepClone();
            agent["name"] = $"agent-{i:000}";
            agents.Add(agent);
        }

        await route.FulfillAsync(new() { Response = answer, Body = snapshot.ToJsonString() });
    }

    private static async Task BoundedAsync(IPage page)
    {
        var count = await page.EvaluateAsync<int>("document.querySelectorAll('*').length");
        Assert.True(count <= Nodes, $"{page.Url} has {count} elements");
    }
}
