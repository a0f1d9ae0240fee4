using System.Collections.Concurrent;
using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Net.Sockets;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Playwright;
using Xunit;

namespace Hive.Dashboard.Tests;

/// <summary>The state that tabs show is the host's, whatever happened to the swarm, the stream and the host.</summary>
public sealed class EqualityTests(Browser browser) : DashboardTest(browser)
{
    private const int Restarts = 2;
    private static readonly int Events = Ring.Count(1_000, 10_000);
    private static readonly int Reconnects = Ring.Count(2, 20);

    // The bounded lists of the snapshot.
    private const int Listed = 50;

    // The tab that shows cards of tickets.
    private const string Board = "/board";

    private static readonly string[] Names = ["alice", "bob", "carol", "dave"];

    // Reads the stores of the modules that this page has loaded, by the members of the snapshot.
    private const string Stores = """
        async () => {
          const loaded = performance.getEntriesByType('resource').map(({ name }) => name);
          const scripts = loaded.filter(name => /\/assets\/[^/]+\.js$/.test(name) && !name.includes('/worker-'));
          const own = document.querySelector('script[type=module]').src;
          const modules = await Promise.all([...new Set([own, ...scripts])].map(script => import(script)));
          const all = modules.flatMap(Object.values).filter(value => typeof value === 'object' && value !== null);
          const one = (...members) => {
            const found = all.find(value => members.every(member => member in value));
            if (found === undefined) throw new Error(`no store of this page has ${members}`);
            return found;
          };
          const [agents, messages] = [one('agents', 'transients'), one('inbox', 'inboxUnread')];
          const [approvals, questions] = [one('open', 'decided'), one('pending', 'answered')];
          const board = one('cards', 'columns', 'workflows');
          const { picture } = one('picture', 'sync');
          // The older parked rows that take the place of those that left are read after the event.
          window.hasSeen = ([cursor, parked]) => {
            const [[epoch, seq], [ownEpoch, ownSeq]] = [cursor.split('-'), picture.cursor.split('-')];
            if (epoch !== ownEpoch || Number(ownSeq) < Number(seq)) return false;
            return Number(ownSeq) > Number(seq) || messages.parked.value.length === parked;
          };
          return () => ({
            cursor: picture.cursor,
            agents: [...agents.agents.value.values()],
            transients: [...agents.transients.value.values()],
            inbox: messages.inbox.value,
            inbox_unread: messages.inboxUnread.value,
            parked: messages.parked.value,
            questions: questions.pending.value,
            question_history: questions.answered.value,
            approvals: approvals.open.value,
            approval_history: approvals.decided.value,
            reminders: one('all', 'failures').all.value,
            waiting: one('onGone', 'shown').all.value,
            workflows: board.workflows.value,
            board: board.columns.value,
            tickets: board.cards.value,
            tasks: board.tasks.map(({ score, ...task }) => task),
            reviews: board.reviews,
          });
        }
        """;

    [Fact]
    [Sampled]
    public async Task After_many_events_and_two_restarts_every_tab_shows_the_hosts_state()
    {
        Expected =
        [
            "ERR_CONNECTION_REFUSED",
            "ERR_INCOMPLETE_CHUNKED_ENCODING",
            "ERR_CONNECTION_RESET",
            "ERR_EMPTY_RESPONSE",
            "ERR_CONNECTION_CLOSED",
            // A host that was started again takes no key masked for the run before; the page masks it again.
            "401 (Unauthorized)",
        ];
        foreach (var name in Names)
            (await Hive.JoinAsync(name)).Dispose();
        await Hive.CallAsync("workflow_load", new { text = Load.Workflow, @default = true });
        using (var alice = await Hive.OpenAsync("alice"))
            Assert.Equal(1, await alice.AskAsync(new { question = "Whose answer is never sent?" }));
        await Load.FillAsync(Hive);

        var first = await AtAsync("/messages");
        var tabs = new List<IPage> { first };
        foreach (var path in new[] { "/agents/bob/messages", "/waiting/question-1", Board, "/agents" })
        {
            var tab = await first.Context.NewPageAsync();
            if (path == "/agents")
                await tab.AddInitScriptAsync(
                    "Object.defineProperty(document, 'visibilityState', { get: () => 'hidden' });"
                );
            await GoAsync(tab, path);
            tabs.Add(tab);
        }

        await first.Locator(".compose-bar textarea").FillAsync("@carol ");
        ILocator[] boxes =
        [
            first.Locator(".compose-bar textarea"),
            tabs[1].GetByRole(AriaRole.Textbox, new() { Name = "Message to bob" }),
            tabs[2].GetByRole(AriaRole.Textbox, new() { Name = "Answer" }),
        ];
        var drafts = new string[boxes.Length];

        var load = new Load();
        var rounds = Reconnects + Restarts;
        for (var round = 0; round < rounds; round++)
        {
            var clients = await load.OpenAsync(Hive);
            var events = load.RunAsync(clients, (round + 1) * Events / rounds);
            var box = round % boxes.Length;
            drafts[box] += $"{round} ";
            await boxes[box].PressSequentiallyAsync($"{round} ");
            // In the middle of the load the streams break off, or the whole host does.
            var restarts = round % (rounds / Restarts) == rounds / Restarts / 2;
            if (restarts)
                await Hive.StopHostAsync();
            else
                Hive.DropStreams();
            await events;
            Load.Close(clients);
            if (restarts)
                await Hive.StartHostAsync();
            foreach (var tab in tabs)
                await tab.EvaluateAsync("dispatchEvent(new Event('online'))");
            await StateIs(first, "live", "resynced");
        }

        // As many again as the host could not take while it was away.
        var last = await load.OpenAsync(Hive);
        await load.RunAsync(last, Events);
        Load.Close(last);
        Assert.True(load.Done >= Events);
        await Load.WaitAsync(Hive);

        foreach (var tab in tabs)
            await StateIs(tab, "live", "resynced");
        await EqualAsync(tabs);
        for (var i = 0; i < boxes.Length; i++)
            await Expect(boxes[i]).ToHaveValueAsync(drafts[i]);
        await CountsEqualAsync(tabs);
        foreach (var (tab, box, draft) in tabs.Zip(boxes, drafts))
        {
            await tab.ReloadAsync();
            await StateIs(tab, "live");
            await Expect(box).ToHaveValueAsync(draft);
        }

        await EqualAsync(tabs);
    }

    /// <summary>Every tab holds the rows of a fresh snapshot and of the list of what waits.</summary>
    private async Task EqualAsync(IReadOnlyList<IPage> tabs)
    {
        using var http = new HttpClient { BaseAddress = new Uri(Hive.Url) };
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue(
            "Bearer",
            await tabs[0].EvaluateAsync<string>("localStorage.getItem('hive.key')")
        );
        var stores = new List<IJSHandle>();
        foreach (var tab in tabs)
            stores.Add(await tab.EvaluateHandleAsync(Stores));
        JsonObject fresh = [];
        JsonNode waiting = fresh;
        // A count of an agent's row reaches the page up to a second after its change, and delayed messages come due.
        var first = await Patience.Last(DifferenceAsync, pair => pair.Host == pair.Page);
        Assert.Equal(first.Host, first.Page);

        // The bounded lists are full, so that what left them was replaced.
        foreach (var member in new[] { "parked", "inbox", "question_history", "approval_history" })
            Assert.True(fresh[member]!.AsArray().Count == Listed, $"{member} is not full");
        Assert.NotEmpty(waiting.AsArray());
        foreach (var member in new[] { "tickets", "tasks", "reviews" })
            Assert.True(fresh[member]!.AsArray().Count > 0, $"there are no {member} in the end");

        async Task<(string Host, string Page)> DifferenceAsync()
        {
            fresh = (await http.GetFromJsonAsync<JsonObject>("/api/state"))!;
            var cursor = (string)fresh["cursor"]!;
            var cards = (await http.GetFromJsonAsync<JsonObject>("/api/v1/board/cards"))!["columns"]!.AsArray();
            fresh["tickets"] = new JsonArray([
                .. cards.SelectMany(c => c!["cards"]!.AsArray()).Select(card => card!.DeepClone()),
            ]);
            // A task's score grows with its age, without an event.
            foreach (var task in fresh["tasks"]!.AsArray())
                task!.AsObject().Remove("score");
            waiting = (await http.GetFromJsonAsync<JsonObject>("/api/waiting"))!["waiting"]!;
            foreach (var tab in tabs)
                await tab.WaitForFunctionAsync(
                    "seen => hasSeen(seen)",
                    new object[] { cursor, fresh["parked"]!.AsArray().Count }
                );
            if (Text(waiting) != Text(fresh["waiting"]!))
                return (Text(waiting), Text(fresh["waiting"]!));
            foreach (var (i, store) in stores.Index())
            {
                var held = JsonNode.Parse(await store.EvaluateAsync<string>("read => JSON.stringify(read())"))!;
                foreach (var (name, member) in held.AsObject())
                {
                    var shown = name != "tickets" || tabs[i].Url.EndsWith(Board, StringComparison.Ordinal);
                    var host = shown ? fresh[name]! : new JsonArray();
                    var pair = ($"tab {i}, {name}: {Text(host)}", $"tab {i}, {name}: {Text(member!)}");
                    if (pair.Item1 != pair.Item2)
                        return pair;
                }
            }

            return ("", "");
        }
    }

    /// <summary>The rows by their names, each with its members by their names.</summary>
    private static string Text(JsonNode node) =>
        node switch
        {
            JsonArray rows => $"[{string.Join(",\n", rows.Select(row => Text(row!)).Order(StringComparer.Ordinal))}]",
            JsonObject row =>
                $"{{{string.Join(", ", row.Where(m => m.Value is not null)
                .OrderBy(m => m.Key, StringComparer.Ordinal).Select(m => $"{m.Key}: {Text(m.Value!)}"))}}}",
            _ => node.ToJsonString(),
        };

    /// <summary>The command line counts and says of each agent the same as every tab.</summary>
    private async Task CountsEqualAsync(IReadOnlyList<IPage> tabs)
    {
        foreach (var tab in tabs)
        {
            var count = 0;
            // A snooze may end between the two.
            await Patience.Until(
                async () =>
                {
                    count = (await Hive.CommandAsync("waiting"))
                        .GetProperty("waiting")
                        .Deserialize<WaitingView[]>(WireJson.Options)!
                        .Count(WaitingUrgency.Counts);
                    Assert.NotEqual(0, count);
                    return (await tab.TitleAsync()).StartsWith($"({count}) ", StringComparison.Ordinal);
                },
                "the title counts as the command line does"
            );
            await Expect(tab.Locator(".nav > ul a[href='/waiting'] .nav-count")).ToContainTextAsync($"{count} waiting");
        }

        // A delayed message comes due between the two as well.
        foreach (var name in Names)
        {
            var row = Row(tabs[^1], name);
            var (host, page) = await Patience.Last(
                async () =>
                {
                    var agent = (await Hive.CommandAsync("status"))
                        .GetProperty("agent_statuses")
                        .EnumerateArray()
                        .Single(status => status.GetProperty("name").GetString() == name);
                    return (
                        $"{agent.GetProperty("activity").GetProperty("state")} {agent.GetProperty("unread")}",
                        $"{await row.Locator(".state").GetAttributeAsync("data-state")} "
                            + await row.Locator(".unread > span").Last.TextContentAsync()
                    );
                },
                pair => pair.Item1 == pair.Item2
            );
            Assert.Equal(host, page);
        }
    }

    /// <summary>Random things that agents and the operator do, over several sockets at once.</summary>
    private sealed class Load
    {
        private readonly ConcurrentBag<long> questions = [];
        private readonly ConcurrentBag<long> approvals = [];
        private readonly ConcurrentBag<long> reminders = [];
        private readonly ConcurrentBag<long> parked = [];
        private readonly ConcurrentBag<long> tickets = [];
        private readonly ConcurrentBag<long> tasks = [];
        private int rounds;
        private int done;

        /// <summary>Columns with room for few tickets, and a gate that the operator judges.</summary>
        public const string Workflow = """
            name: equal
            phases:
              - { id: PHASE_IDEA, name: Idea, status: backlog, allowed_transitions: [PHASE_WORK, PHASE_END] }
              - id: PHASE_WORK
                name: Work
                status: building
                allowed_transitions: [PHASE_IDEA, PHASE_END]
                next: PHASE_END
                gate:
                  criteria:
                    - operator: Ship it?
              - { id: PHASE_END, name: End, status: done, terminal: true }
            board_columns:
              - { id: idea, name: Ideas, phase_mapping: [PHASE_IDEA] }
              - { id: work, name: Work, phase_mapping: [PHASE_WORK], wip_limit: 30 }
              - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
            """;

        private static readonly string[] Phases = ["PHASE_IDEA", "PHASE_WORK", "PHASE_END"];

        /// <summary>How many have been accepted.</summary>
        public int Done => Volatile.Read(ref done);

        public async Task<LineClient[]> OpenAsync(LiveHive hive)
        {
            rounds++;
            List<LineClient> clients = [];
            foreach (var name in Names)
            {
                clients.Add(await hive.OpenAsync(name));
                clients.Add(await hive.OpenAsync(name));
            }

            clients.Add(await hive.OpenAsync("manager"));
            for (var i = 0; i < 3; i++)
                clients.Add(await hive.OperatorAsync());
            return [.. clients];
        }

        /// <summary>Fills the bounded lists, which the load alone may leave short.</summary>
        public static async Task FillAsync(LiveHive hive)
        {
            using var alice = await hive.OpenAsync("alice");
            using var bob = await hive.OpenAsync("bob");
            using var manager = await hive.OpenAsync("manager");
            for (var i = 0; i < Listed; i++)
            {
                await alice.CallAsync("send", new { to = "bob", body = $"parked {i}" });
                await alice.CallAsync("send", new { to = "operator", body = $"read {i}" });
                var id = await alice.AskAsync(new { question = $"Is {i} answered?" });
                await hive.CallAsync("answer", new { id, answer = "yes" });
                var asked = await manager.CallAsync("request_spawn", new { name = $"denied-{i}" });
                await hive.CallAsync("deny", new { id = asked.GetProperty("id").GetInt64(), note = "enough" });
            }

            // A message is parked after its third failure.
            while (true)
            {
                var received = await bob.CallAsync("recv", new { wait_seconds = 0, max = Limits.MaxBatch });
                long[] ids =
                [
                    .. received.GetProperty("messages").EnumerateArray().Select(m => m.GetProperty("id").GetInt64()),
                ];
                if (ids.Length == 0)
                    break;
                await bob.CallAsync("nack", new { ids, delay_seconds = 0 });
            }
        }

        /// <summary>Makes a ticket with a task and one whose gate waits, which nothing ends any more.</summary>
        public static async Task WaitAsync(LiveHive hive)
        {
            await hive.CallAsync(
                "ticket_create",
                new { title = "waits", tasks = new[] { new { task_type = "think", title = "wait" } } }
            );
            var id = (await hive.CallAsync("ticket_create", new { title = "waits" }))
                .GetProperty("ticket")
                .GetProperty("id")
                .GetInt64();
            await hive.CallAsync(
                "ticket_move",
                new
                {
                    id,
                    to_phase = Phases[1],
                    reason = "as agreed",
                    force = true,
                }
            );
            await Patience.Until(
                async () =>
                    (await hive.CallAsync("reviews", new { ticket = id })).GetProperty("reviews").GetArrayLength() > 0,
                $"the gate of ticket {id} asks"
            );
        }

        public static void Close(LineClient[] clients)
        {
            foreach (var client in clients)
                client.Dispose();
        }

        /// <summary>Goes on until this many have been accepted, or the host is away.</summary>
        public Task RunAsync(LineClient[] clients, int until) =>
            Task.WhenAll(
                clients.Select(
                    async (client, i) =>
                    {
                        var random = Ring.Random((rounds * 100) + i);
                        try
                        {
                            while (Done < until)
                                await OnceAsync(client, i, random);
                        }
                        catch (Exception e) when (e is IOException or SocketException or ObjectDisposedException)
                        {
                            // The host was stopped.
                        }
                    }
                )
            );

        private async Task OnceAsync(LineClient client, int i, Random random)
        {
            try
            {
                if (i < 2 * Names.Length)
                    await AgentAsync(client, random);
                else if (i == 2 * Names.Length)
                    await ManagerAsync(client, random);
                else
                    await OperatorAsync(client, random);
                Interlocked.Increment(ref done);
            }
            catch (HiveException)
            {
                // Too late, or one too many: nothing happened.
            }
        }

        private async Task AgentAsync(LineClient agent, Random random)
        {
            switch (random.Next(20))
            {
                case < 6:
                    await agent.CallAsync("send", new { to = Any(Names, random), body = Words(random) });
                    break;
                case < 8:
                    await agent.CallAsync("send", new { to = "operator", body = Words(random) });
                    break;
                case < 12:
                    await HandleAsync(agent, random);
                    break;
                case < 14:
                    var to = random.Next(3) == 0 ? Any(Names, random) : null;
                    var ttl_seconds = random.Next(4) == 0 ? 1 : (int?)null;
                    questions.Add(
                        await agent.AskAsync(
                            new
                            {
                                question = Words(random),
                                to,
                                ttl_seconds,
                            }
                        )
                    );
                    break;
                case < 16:
                    await agent.CallAsync("set_status", new { text = random.Next(4) == 0 ? "" : Words(random) });
                    break;
                case 16:
                    var set = await agent.CallAsync("remind", new { message = Words(random), delay_seconds = 86_400 });
                    reminders.Add(set.GetProperty("id").GetInt64());
                    break;
                case 17:
                    await agent.CallAsync("cancel_reminder", new { id = Any(reminders, random) });
                    break;
                case 18:
                    await agent.ReportAsync(Any(["idle", "rate_limited", "needs_login"], random));
                    break;
                default:
                    await agent.CallAsync("answer", new { id = Any(questions, random), answer = Words(random) });
                    break;
            }
        }

        /// <summary>Receives, and acks, fails or works on what came.</summary>
        private async Task HandleAsync(LineClient agent, Random random)
        {
            var received = await agent.CallAsync("recv", new { wait_seconds = 0, max = 4 });
            var ids = received
                .GetProperty("messages")
                .EnumerateArray()
                .Select(message => message.GetProperty("id").GetInt64())
                .ToArray();
            switch (random.Next(4))
            {
                case 0 when ids.Length > 0:
                    await agent.CallAsync(
                        "nack",
                        new
                        {
                            ids,
                            delay_seconds = 0,
                            error = Words(random),
                        }
                    );
                    foreach (var id in ids)
                        parked.Add(id);
                    break;
                case 1 when ids.Length > 0:
                    var begun = await agent.CallAsync("begin_turn", new { ids, wake_from = "operator" });
                    await agent.EndTurnAsync(begun.GetProperty("turn").GetInt64(), Any(["ok", "failed"], random));
                    break;
                default:
                    await agent.CallAsync("ack", new { all = true });
                    break;
            }
        }

        private async Task ManagerAsync(LineClient manager, Random random)
        {
            if (random.Next(2) == 0)
            {
                await manager.CallAsync("send", new { to = Any(Names, random), body = Words(random) });
                return;
            }

            var name = $"new-{random.Next(1_000_000)}";
            var asked = await manager.CallAsync("request_spawn", new { name, description = Words(random) });
            approvals.Add(asked.GetProperty("id").GetInt64());
        }

        private async Task OperatorAsync(LineClient host, Random random)
        {
            var key = random.Next(3) switch
            {
                0 => $"message-{Any(Names, random)}",
                1 => $"approval-{Any(approvals, random)}",
                _ => $"question-{Any(questions, random)}",
            };
            switch (random.Next(24))
            {
                case > 15:
                    await TicketAsync(host, random);
                    break;
                case < 3:
                    await host.CallAsync("send", new { to = Any(Names, random), body = Words(random) });
                    break;
                case < 6:
                    await host.CallAsync("answer", new { id = Any(questions, random), answer = Words(random) });
                    break;
                case 6:
                    await host.CallAsync("cancel_question", new { id = Any(questions, random) });
                    break;
                case 7:
                    await host.CallAsync("deny", new { id = Any(approvals, random), note = Words(random) });
                    break;
                case 8:
                    // Few: each makes an agent.
                    await host.CallAsync(random.Next(8) == 0 ? "approve" : "deny", new { id = Any(approvals, random) });
                    break;
                case 9:
                    var inbox = (await host.CallAsync("inbox", new { limit = 50 })).GetProperty("messages");
                    long[] ids =
                    [
                        .. inbox.EnumerateArray().Take(random.Next(9)).Select(m => m.GetProperty("id").GetInt64()),
                    ];
                    await host.CallAsync("ack_messages", new { ids });
                    break;
                case 10:
                    await host.CallAsync("set_paused", new { name = Any(Names, random), paused = random.Next(4) == 0 });
                    break;
                case 11:
                    var until_at = DateTimeOffset.UtcNow.AddSeconds(random.Next(2) == 0 ? 2 : 7200);
                    await host.CallAsync("snooze_waiting", new { key, until_at });
                    break;
                case 12:
                    await host.CallAsync("unsnooze_waiting", new { key });
                    break;
                case 13:
                    await host.CallAsync("see_waiting", new { key });
                    break;
                case 14:
                    await host.CallAsync("unsee_waiting", new { key });
                    break;
                default:
                    await host.CallAsync(
                        random.Next(2) == 0 ? "retry_message" : "drop_message",
                        new { id = Any(parked, random) }
                    );
                    break;
            }
        }

        /// <summary>Makes, moves, blocks, changes and judges tickets and their tasks.</summary>
        private async Task TicketAsync(LineClient host, Random random)
        {
            switch (random.Next(13))
            {
                case < 2:
                    var made = await host.CallAsync("ticket_create", new { title = Words(random) });
                    tickets.Add(made.GetProperty("ticket").GetProperty("id").GetInt64());
                    break;
                case < 5:
                    // Few end: of those, the page lists the latest.
                    var to_phase = random.Next(6) == 0 ? Phases[2] : Phases[random.Next(2)];
                    await host.CallAsync(
                        "ticket_move",
                        new
                        {
                            id = Any(tickets, random),
                            to_phase,
                            reason = "as agreed",
                            force = random.Next(3) == 0,
                        }
                    );
                    break;
                case 5:
                    var block = new { type = Any(["environment", "budget"], random), reason = Words(random) };
                    await host.CallAsync("ticket_change", new { id = Any(tickets, random), block });
                    break;
                case 6:
                    await host.CallAsync("ticket_change", new { id = Any(tickets, random), unblock = true });
                    break;
                case 7:
                    await host.CallAsync(
                        "ticket_change",
                        new
                        {
                            id = Any(tickets, random),
                            priority = Any(["LOW", "HIGH"], random),
                            comment = Words(random),
                            before = 0,
                        }
                    );
                    break;
                case 8:
                    var more = new[] { new { task_type = "think", title = Words(random) } };
                    var added = await host.CallAsync("add_tasks", new { ticket = Any(tickets, random), tasks = more });
                    tasks.Add(added.GetProperty("tasks")[0].GetProperty("id").GetInt64());
                    break;
                case 9:
                    var action = Any(["hold", "release", "skip", "cancel", "retry"], random);
                    await host.CallAsync("change_task", new { id = Any(tasks, random), action });
                    break;
                case 10:
                    var reviews = (await host.CallAsync("reviews")).GetProperty("reviews").EnumerateArray().ToArray();
                    if (reviews.Length == 0)
                        break;
                    var verdict = Any(["passed", "failed"], random);
                    var decided = Any(reviews, random).GetProperty("id").GetInt64();
                    await host.CallAsync(
                        "review_decide",
                        new
                        {
                            id = decided,
                            verdict,
                            feedback = "as said",
                        }
                    );
                    break;
                case 11:
                    // It only warns: a held agent would begin no turn.
                    await host.CallAsync(
                        "budget_set",
                        new
                        {
                            scope = Any(["agent", "task_type"], random),
                            scope_id = Any(Names, random),
                            limit_tokens = random.Next(1, 1_000_000),
                            on_exceed = "warn",
                        }
                    );
                    var budgets = (await host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray().ToArray();
                    if (random.Next(3) == 0)
                        await host.CallAsync(
                            "budget_delete",
                            new { id = Any(budgets, random).GetProperty("id").GetInt64() }
                        );
                    break;
                default:
                    // Of those that have ended, the page lists as many as it knows.
                    var brief = await host.CallAsync("ticket_create", new { title = Words(random) });
                    var id = brief.GetProperty("ticket").GetProperty("id").GetInt64();
                    await host.CallAsync(
                        "add_tasks",
                        new { ticket = id, tasks = new[] { new { task_type = "think" } } }
                    );
                    await host.CallAsync("ticket_delete", new { id });
                    break;
            }
        }

        private static string Words(Random random) => $"words {random.Next()} {new string('w', random.Next(200))}";

        private static T Any<T>(IReadOnlyList<T> of, Random random) => of[random.Next(of.Count)];

        /// <summary>One of the latest.</summary>
        private static long Any(ConcurrentBag<long> of, Random random) =>
            of.Take(64).ElementAtOrDefault(random.Next(64)) is var id and > 1
                ? id
                : throw new HiveException("none", "none");
    }
}
