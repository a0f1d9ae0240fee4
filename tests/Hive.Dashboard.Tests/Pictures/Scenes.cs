using Hive.Tests.Fixture;

namespace Hive.Dashboard.Tests.Pictures;

/// <summary>A Hive in a state, and the addresses of its places.</summary>
/// <param name="Agent">The agent whose tabs are shown.</param>
/// <param name="LogAgent">The agent whose log is shown.</param>
/// <param name="Waiting">The key of the one waiting thing.</param>
/// <param name="Thread">The message whose thread is shown.</param>
/// <param name="Review">The change that is reviewed.</param>
/// <param name="Ticket">The ticket that is shown.</param>
internal sealed record Scene(string Agent, string LogAgent, string Waiting, long Thread, long Review, long Ticket = 1);

/// <summary>The states in which every place is drawn.</summary>
internal static class Scenes
{
    /// <summary>The time at which each Hive is begun; it is half past two when it is drawn.</summary>
    public static readonly DateTimeOffset Morning = new(2026, 3, 12, 5, 30, 0, TimeSpan.Zero);

    public static readonly DateTimeOffset Shown = new(2026, 3, 12, 14, 30, 0, TimeSpan.Zero);

    /// <summary>A Hive that has just begun.</summary>
    public static Task<Scene> EmptyAsync(Troupe troupe)
    {
        Finish(troupe);
        return Task.FromResult(new Scene("manager", "manager", "question-1", 1, 1));
    }

    /// <summary>A small team at work, like that of the demo.</summary>
    public static async Task<Scene> DemoAsync(Troupe troupe)
    {
        const string Yaml = "driver: claude\nmodel: claude-sonnet-4-5\nlimits: { memory: 1 GB }\n";
        await troupe.Hive.ApplyAsync("alice", "agent.yaml", Yaml);
        await troupe.JoinAsync("manager", status: "waiting for alice and bob");
        await troupe.JoinAsync("alice");
        await troupe.JoinAsync("bob");
        await DayAsync(troupe, ["alice", "bob"], 5);
        var first = await troupe.ProposeAsync(
            "alice",
            "alice may write to bob and to you only",
            ("agent.yaml", Yaml + "recipients: [operator, bob]\n")
        );
        await troupe.ApproveAsync(first);
        await troupe.Hive.CallAsync(
            "deny",
            new { id = await SpawnAsync(troupe, "carol", "Three are enough?"), note = "not before the release" }
        );
        Wait(troupe, before: 56.5);
        await troupe.CrashAsync("crasher");
        troupe.Advance(20);

        var thread = await troupe.SendAsync(
            "bob",
            "alice",
            "The prices in /shared/price.sh are cut off. Is that meant?"
        );
        troupe.Advance(2);
        var answer = await troupe.SendAsync(
            "alice",
            "bob",
            "No: half a cent is lost. I fix it and send you the diff.",
            thread
        );
        troupe.Advance(4);
        await troupe.SendAsync("bob", "alice", "Good. Please add a test with a price of zero.", answer);
        await troupe.ReadAsync("alice");
        await troupe.ReadAsync("bob");
        await troupe.ParkAsync("alice", "bob", "Take over the webhook of the shop, please.", "the hook answers 502");
        await troupe.SendAsync(
            "alice",
            "operator",
            "Task 1 is done: prices are rounded, and all tests pass. The fix is in /shared/price.sh."
        );
        Directory.CreateDirectory(troupe.Hive.Shared);
        await File.WriteAllTextAsync(
            Path.Combine(troupe.Hive.Shared, "price.sh"),
            "echo $(( (cents * (100 + percent) + 50) / 100 ))\n"
        );
        await troupe["bob"].CallAsync("remind", new { message = "Ask for the review again", delay_seconds = 7200 });
        troupe.Advance(6);
        var review = await troupe.ProposeAsync(
            "alice",
            "The type checker of the shop was ended at 1 GB",
            (
                "agent.yaml",
                Yaml.Replace("memory: 1 GB", "memory: 3 GB, cpu_percent: 150", StringComparison.Ordinal)
                    + "recipients: [operator, bob]\nrole: role.md\n"
            ),
            (
                "role.md",
                "You keep the shop's prices.\n\n- Run `sh shop/test.sh` before you "
                    + "say that you are done.\n- Prices are in cents.\n"
            )
        );
        await SpawnAsync(troupe, "dora", "Writes the release notes, so that alice can go on with the currencies.");
        troupe.Advance(5);
        var question = await AskAsync(
            troupe,
            "manager",
            "After the rounding of prices: what should alice and bob do next? The "
                + "plan says discounts, the shop asks for other currencies.",
            ["other currencies", "discounts", "clean up the tests"],
            5400
        );
        troupe.Advance(8);
        await WorkAsync(
            troupe,
            "alice",
            "manager",
            "Task 2 with bob (currencies): list the currencies that have no cents"
        );
        await troupe.ReportAsync("bob", "idle", context: 34);
        await troupe.StatusAsync("bob", "reviewing the fix of alice");
        await File.WriteAllLinesAsync(troupe.Hive.LogOf("crasher"), Log());
        var ticket = await TicketsAsync(
            troupe,
            ["Round prices", "Other currencies", "The receipt shows the tax", "Discounts", "Undo in the cart"],
            "Half a cent is lost in every price with tax. `/shared/price.sh` computes it."
        );
        Finish(troupe);
        return new Scene("alice", "crasher", $"question-{question}", answer, review, ticket);
    }

    /// <summary>Thirty agents on a busy day.</summary>
    public static async Task<Scene> ThirtyAsync(Troupe troupe)
    {
        await troupe.JoinAsync("manager", status: "handing out the work of the sprint");
        (string Name, string Status)[] team =
        [
            ("api-server", "adding pagination to GET /orders and its tests"),
            ("auth-flow", "waiting for an answer about sessions"),
            ("billing", "moving the invoices to the new tables"),
            ("checkout", "one click fewer at the payment"),
            ("cli", "completion for fish"),
            ("crawler", "robots.txt is read once a day"),
            ("data-import", "the file of March has 4 % of lines with a wrong date"),
            ("design-system", "contrast of the disabled button"),
            ("docs", "how to restore a backup"),
            ("e2e-tests", "the flaky test of the login is the clock"),
            ("feature-flags", "removing flags that are on for everybody"),
            ("frontend", "does the old client still call /v1?"),
            ("images", "thumbnails are made twice"),
            ("infra", "two more nodes for the build"),
            ("ledger", "closing the month"),
            ("mailer", "a bounce is not a failure"),
            ("mobile", "offline drafts"),
            ("notifications", "one digest instead of nine messages"),
            ("payments", ""),
            ("perf-lab", "where the 40 ms of the first byte go"),
            ("release-notes", "waiting for the tag"),
            ("review-bot", "reviewing pull request 88"),
            ("search", "umlauts in names"),
            ("security", "reading the advisories of the week"),
            ("shipping", "labels for islands"),
            ("storage", "compacting the segments of last year"),
            ("support", "answers of yesterday"),
            ("translations", "the plural of nothing"),
            ("web-worker", "type checking"),
        ];
        foreach (var (name, status) in team)
            await troupe.JoinAsync(name, status: status, context: 5 + name.Length * 37 % 60);
        await DayAsync(troupe, [.. team.Select(t => t.Name)], 2);
        Wait(troupe, before: 41.5);
        await troupe.CrashAsync("crasher");
        for (var i = 0; i < 7; i++)
            await troupe.SendAsync(
                team[i * 3 + 2].Name,
                "operator",
                $"Report of {team[i * 3 + 2].Name}: the tests are green, {i + 2} files changed. "
                    + $"The summary is in /shared/reports/{team[i * 3 + 2].Name}.md."
            );
        var thread = await troupe.SendAsync(
            "frontend",
            "api-server",
            "Do you still use `GET /v1/orders`? I would like to remove the old client."
        );
        troupe.Advance(3);
        var answer = await troupe.SendAsync(
            "api-server",
            "frontend",
            "Only the mobile app does, until its release of next week. Ask mobile.",
            thread
        );
        troupe.Advance(2);
        await troupe.SendAsync("frontend", "mobile", "When is your release? See the thread with api-server.", answer);
        await troupe.ParkAsync("ledger", "billing", "The sums of February differ by 0.02.", "the tables are locked");
        await SpawnAsync(troupe, "type-checker", "The checks of the web worker take 12 minutes of every turn.");
        await SpawnAsync(troupe, "pen-test", "A second pair of eyes for the login, for a week.");
        var review = await troupe.ProposeAsync(
            "web-worker",
            "More memory: the type checker was ended at 2 GB",
            ("agent.yaml", "driver: claude\nmodel: claude-sonnet-4-5\nlimits: { memory: 4 GB }\n")
        );
        troupe.Advance(11);
        var question = await AskAsync(
            troupe,
            "auth-flow",
            "How long shall a session live? The design says 30 days, the policy of the company says 12 hours.",
            ["30 days", "12 hours", "ask legal"],
            3600
        );
        await AskAsync(troupe, "frontend", "May I remove the old client next week?", ["yes", "no"], null);
        await AskAsync(
            troupe,
            "data-import",
            "4 % of the lines have a wrong date. Skip them, or stop?",
            ["skip", "stop"],
            9000
        );
        await AskAsync(troupe, "infra", "Two more nodes cost $86 a month. Is that fine?", null, null);
        await AskAsync(
            troupe,
            "design-system",
            "Which of the three blues?",
            ["the first", "the second", "the third"],
            null
        );
        troupe.Advance(7);
        await WorkAsync(troupe, "perf-lab", "manager", "Find out where the first byte waits", 75);
        await troupe.ReportAsync("perf-lab", "compacting", context: 75);
        await WorkAsync(troupe, "checkout", "manager", "One click fewer at the payment", 21);
        await WorkAsync(troupe, "web-worker", "manager", "Make the type checker pass", 48);
        await WorkAsync(troupe, "e2e-tests", "manager", "Why is the login test flaky?", 33);
        await WorkAsync(troupe, "api-server", "manager", "Add pagination to GET /orders", 83);
        await troupe.ReportAsync("payments", "needs_login", context: 0);
        await troupe.ReportAsync(
            "review-bot",
            "rate_limited",
            context: 41,
            more: new { rate_limited_until = Shown.AddMinutes(24) }
        );
        await troupe.ReportAsync(
            "support",
            "not_ready",
            context: 0,
            more: new { missing = "the program claude is not installed" }
        );
        await troupe.SendAsync("manager", "support", "Answer the tickets of yesterday.");
        foreach (var name in new[] { "translations", "shipping" })
            await troupe.Hive.CallAsync("set_paused", new { name, paused = true });
        troupe["storage"].Dispose();
        await File.WriteAllLinesAsync(troupe.Hive.LogOf("crasher"), Log());
        var ticket = await TicketsAsync(
            troupe,
            [
                .. team.Where(t => t.Status.Length > 0)
                    .Take(20)
                    .Select(t => char.ToUpperInvariant(t.Status[0]) + t.Status[1..]),
            ],
            "The orders have grown to 2,000,000 rows, and `GET /orders` answers all of them."
        );
        Finish(troupe);
        return new Scene("api-server", "crasher", $"question-{question}", answer, review, ticket);
    }

    /// <summary>Texts that try to break the page.</summary>
    public static async Task<Scene> HostileAsync(Troupe troupe)
    {
        const string Name = "an-agent-with-the-longest-name1";
        const string Turned =
            "\u202Egnp.exe\u202C \u2066x\u2069 \u200Bzero\u200Bwidth <img "
            + "src=x onerror=alert(1)> <script>alert(1)</script>";
        var word = new string('w', 600);
        troupe.Advance(380);
        await troupe.JoinAsync("manager", status: Turned);
        await troupe.JoinAsync(
            Name,
            status: $"{Turned} {new string('s', 60)}",
            model: $"a-model-{new string('m', 80)}",
            context: 95
        );
        await troupe.JoinAsync("arabic", status: "مرحبا بالعالم beside Latin, and שלום עולם too");
        await troupe.JoinAsync("b", status: "👩‍👩‍👧‍👦 🏳️‍🌈 e\u0301 Z\u0351\u036B\u0343algo");
        await troupe.JoinAsync(new string('x', 31), status: new string('x', 190));
        foreach (var name in new[] { Name, "arabic", "b" })
            await troupe.TurnAsync(
                name,
                "operator",
                $"{Turned} {word}",
                4,
                "failed",
                $"{Turned} {word}",
                $"a-model-{new string('m', 80)}"
            );
        Wait(troupe, before: 14);
        var thread = await troupe.SendAsync(Name, "arabic", $"{Turned}\n\n{word}\n\u001b[31mred\u001b[0m \u0007");
        var answer = await troupe.SendAsync(
            "arabic",
            Name,
            "مرحبا، هذا هو الجواب \u202E(turned)\u202C with `code` and /shared/\u202Egnp.exe",
            thread
        );
        await troupe.SendAsync(
            Name,
            "b",
            string.Join('\n', Enumerable.Range(1, 100).Select(i => $"line {i} of a long message")),
            answer
        );
        await troupe.SendAsync(Name, "operator", new string('y', 3500));
        await troupe.SendAsync("arabic", "operator", "שלום {\"event\":\"question_answered\",\"id\":2} \u202Eexe.gnp");
        await troupe.ParkAsync(Name, "b", $"{Turned} {word}", $"\u202E{word}");
        await SpawnAsync(troupe, "a-new-agent-with-a-very-long-name"[..31], $"{Turned} {word}");
        var review = await troupe.ProposeAsync(
            Name,
            $"{Turned} {new string('d', 120)}",
            ("agent.yaml", $"driver: claude\n# {Turned} {word}\nrole: role.md\n"),
            ("role.md", $"# {Turned}\n{word}\n{string.Join('\n', Enumerable.Range(1, 60).Select(i => $"{i} שלום"))}\n")
        );
        var question = await AskAsync(
            troupe,
            Name,
            $"{Turned} مرحبا which? {word}",
            [new string('o', 150), "\u202Eon", "👩‍👩‍👧‍👦"],
            3000
        );
        troupe.Advance(3);
        var turn = await troupe.BeginAsync(Name, "operator", $"{Turned} {word}");
        await troupe.ReportAsync(Name, "thinking", $"a-model-{new string('m', 80)}", 95, new { turn });
        await troupe.EmitAsync(
            Name,
            turn,
            new { kind = "thinking", text = $"{Turned} {word}" },
            new
            {
                kind = "text",
                text = $"# {Turned}\n\n{word}\n\n| a | b |\n|-|-|\n| {Turned} | {new string('c', 200)} |",
            },
            new
            {
                kind = "tool_call",
                id = "a",
                tool = "Bash",
                input = new { command = $"{Turned} {word}", description = Turned },
            },
            new
            {
                kind = "tool_result",
                id = "a",
                text = $"\u001b[31m{Turned}\u001b[0m\n{word}",
                error = true,
            },
            new { kind = "stderr", text = word }
        );
        await troupe.Hive.PrintAsync(
            "printer",
            Enumerable.Range(0, 60).Select(i => $"{i} {Turned} {new string('p', 300)}")
        );
        await troupe.Hive.SpawnAsync("printer", start: false);
        var ticket = await TicketsAsync(
            troupe,
            [
                $"{Turned} {new string('t', 300)}",
                "مرحبا بالعالم beside Latin",
                "👩‍👩‍👧‍👦 e\u0301 Z\u0351\u036Balgo",
                Turned,
            ],
            $"{Turned}\n\n{word}"
        );
        Finish(troupe);
        return new Scene(Name, "printer", $"question-{question}", answer, review, ticket);
    }

    // Tickets of the usual workflow, spread over its columns; the second one is blocked. Its id is returned.
    private static async Task<long> TicketsAsync(Troupe troupe, string[] titles, string description)
    {
        Wait(troupe, before: 22);
        string[] phases =
        [
            "PHASE_BACKLOG",
            "PHASE_REQUIREMENTS",
            "PHASE_IMPLEMENTATION",
            "PHASE_TESTING",
            "PHASE_DONE",
        ];
        long shown = 0;
        foreach (var (i, title) in titles.Index())
        {
            var id = (
                await troupe.Hive.CallAsync(
                    "ticket_create",
                    new
                    {
                        title,
                        description,
                        priority = new[] { "MEDIUM", "HIGH", "CRITICAL", "LOW" }[i % 4],
                        labels = new[] { "page", "prices" }[..(i % 3)],
                    }
                )
            ).GetProperty("ticket").GetProperty("id").GetInt64();
            troupe.Advance(0.1);
            // A new ticket has gone on to the requirements, unless their column is full.
            var now = (await troupe.Hive.CallAsync("ticket", new { id })).GetProperty("ticket");
            var to = phases[i % phases.Length];
            if (to != "PHASE_REQUIREMENTS" && now.GetProperty("phase_id").GetString() != to)
                await troupe.Hive.CallAsync(
                    "ticket_move",
                    new
                    {
                        id,
                        to_phase = to,
                        reason = "as agreed in the morning",
                        force = true,
                    }
                );
            if (i != 1)
                continue;
            shown = id;
            await troupe.Hive.CallAsync(
                "ticket_change",
                new
                {
                    id,
                    block = new { type = "waiting_on_clarification", reason = description },
                    comment = title,
                }
            );
        }

        return shown;
    }

    // Every Hive is drawn at the same instant.
    private static void Finish(Troupe troupe) => Wait(troupe, before: 0);

    // What happened last is minutes ago, whatever the day took.
    private static void Wait(Troupe troupe, double before) =>
        troupe.Advance((Shown - troupe.Now).TotalMinutes - before);

    private static async Task<long> SpawnAsync(Troupe troupe, string name, string description) =>
        (await troupe["manager"].CallAsync("request_spawn", new { name, description })).GetProperty("id").GetInt64();

    private static Task<long> AskAsync(Troupe troupe, string name, string question, string[]? options, int? ttl) =>
        troupe[name]
            .AskAsync(
                new
                {
                    question,
                    options,
                    ttl_seconds = ttl,
                }
            );

    // Turns over the hours since the morning, some of which fail.
    private static async Task DayAsync(Troupe troupe, string[] names, int rounds)
    {
        var count = 0;
        for (var round = 0; round < rounds; round++)
        {
            foreach (var name in names)
            {
                count++;
                var failed = count % 11 == 7;
                await troupe.TurnAsync(
                    name,
                    "manager",
                    $"Step {round + 1}: go on with your task, and say what is left",
                    1 + count * 5 % 7 * 0.4,
                    failed ? "failed" : "ok",
                    failed ? "the API answers 529: overloaded" : null,
                    count % 5 == 0 ? "claude-opus-4-5" : "claude-sonnet-4-5",
                    900 + count * 613 % 4000,
                    40_000 + count * 7_919 % 160_000
                );
                troupe.Advance(names.Length < 5 ? 25 : 3.5);
            }
        }
    }

    // A turn under way, with what its terminal shows.
    private static async Task WorkAsync(Troupe troupe, string name, string from, string body, int context = 58)
    {
        var turn = await troupe.BeginAsync(name, from, body);
        await troupe.ReportAsync(name, "thinking", context: context, more: new { turn });
        await troupe.EmitAsync(
            name,
            turn,
            new
            {
                kind = "thinking",
                text = "The list of ISO 4217 has the exponent of each currency; zero means that it has no cents.",
            },
            new
            {
                kind = "text",
                text = "I look for the place where the **price** is computed, and "
                    + "run the tests before I change anything.",
            },
            new
            {
                kind = "tool_call",
                id = "a",
                tool = "Bash",
                input = new { command = "sh shop/test.sh", description = "Run the tests" },
            },
            new
            {
                kind = "tool_result",
                id = "a",
                text = "ok    1000 + 19% = 1190\nok    250 + 19% = 298\nFAIL  333 + 7% = 357, not 356\n",
                error = true,
            }
        );
        troupe.Advance(1.2);
        await troupe.EmitAsync(
            name,
            turn,
            new
            {
                kind = "tool_call",
                id = "b",
                tool = "Edit",
                input = new
                {
                    file_path = "shop/price.sh",
                    old_string = "echo $(( cents * (100 + percent) / 100 ))",
                    new_string = "# Half of the divisor rounds to the nearest cent.\necho "
                        + "$(( (cents * (100 + percent) + 50) / 100 ))",
                },
            },
            new
            {
                kind = "tool_result",
                id = "b",
                text = "",
                error = false,
            },
            new
            {
                kind = "text",
                text = "The yen, the won and eleven others have no cents. I write them into "
                    + "`notes/currencies.md` and run the tests again:\n\n- [x] rounding\n- [ ] currencies",
            },
            new
            {
                kind = "tool_call",
                id = "c",
                tool = "Bash",
                input = new
                {
                    command = "npm test -- --filter currencies",
                    description = "Run the tests of the currencies",
                },
            }
        );
    }

    private static IEnumerable<string> Log() =>
        [
            "worker 3: reading 1,204 orders",
            "worker 3: order 88121 has no currency",
            "terminate called after throwing an instance of 'std::out_of_range'",
            "  what():  vector::_M_range_check: __n (which is 12) >= this->size() (which is 12)",
            "Aborted (core dumped)",
        ];
}
