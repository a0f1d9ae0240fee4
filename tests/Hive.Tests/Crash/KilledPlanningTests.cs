using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Features.Collaboration;
using Hive.Features.Gates;
using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL on both sides of the commit of each change of a task and its ticket. The client that got no answer
/// asks again, and the ticket comes to its end as if nothing had happened.</summary>
public sealed class KilledPlanningTests(KilledPlanningTests.Planning planning)
    : IClassFixture<KilledPlanningTests.Planning>
{
    private const string Completed = "completed";

    // The sides of a commit.
    private const int Before = 1;
    private const int After = 2;

    [Fact]
    [Sampled]
    public Task A_claim_that_was_killed_gives_the_task_to_one_agent_in_one_run() =>
        Each(Before, typeof(Dispatcher), (title, _) => planning.Create(title), mustReceive: false);

    [Fact]
    [Sampled]
    public Task A_completion_that_was_killed_completes_the_task_once() =>
        Each(After, typeof(HandIns), (_, task) => planning.Complete(task!, Planning.Good));

    [Fact]
    [Sampled]
    public Task A_failed_verdict_that_was_killed_is_judged_again_and_reworked_once() =>
        Each(
            Before,
            typeof(Judgements),
            (_, task) => planning.Complete(task!, Planning.Bad),
            new Ending([Completed, Completed], [Completed, Completed])
            {
                Verdicts = ["PHASE_WORK failed", "PHASE_WORK passed", "PHASE_CHECK passed"],
            }
        );

    [Fact]
    [Sampled]
    public Task A_passed_verdict_that_was_killed_moves_the_ticket_once() =>
        Each(After, typeof(Judgements), (_, task) => planning.Complete(task!, Planning.Good));

    [Fact]
    [Sampled]
    public Task A_discovery_that_was_killed_makes_its_task_once() =>
        Each(
            Before,
            typeof(Discover),
            (_, task) => planning.Discover(task!),
            new Ending([Completed, Completed], [Completed, Completed])
        );

    [Fact]
    [Sampled]
    public Task A_cancellation_that_was_killed_ends_the_run_once() =>
        Each(
            After,
            typeof(ChangeTask),
            (_, task) => planning.Change(task!, "cancel"),
            new Ending(["cancelled", Completed], ["cancelled", Completed])
        );

    [Fact]
    [Sampled]
    public Task A_forced_move_that_was_killed_leaves_the_ticket_in_one_phase() =>
        Each(
            Before,
            typeof(Hive.Features.Tickets.MoveTicket),
            (_, task) => planning.Force(task!, "PHASE_CHECK"),
            new Ending([Completed], [Completed]) { Verdicts = ["PHASE_CHECK passed"] }
        );

    [Fact]
    [Sampled]
    public async Task A_booking_that_was_killed_is_made_once()
    {
        foreach (var side in Sides(After))
        {
            var title = $"booking {side} {Guid.NewGuid()}";
            await planning.Create(title);
            var task = await planning.Receive();
            var turn = await planning.Begin(task);
            await planning.Complete(task, Planning.Good);
            await planning.Quiet("running");

            await planning.KilledAt(typeof(Hive.Features.Turns.EndTurn), side, () => planning.End(turn));
            planning.Check();
            await planning.End(turn);
            planning.Check();
            Assert.Equal([(task.Task, 250_000)], planning.Booked(turn));
            var ticket = await planning.Create(title);
            await planning.Finish(ticket);
            planning.Check();
            Assert.Equal(new Ending([Completed], [Completed]).ToString(), planning.EndOf(ticket));
        }
    }

    [Fact]
    [Sampled]
    public async Task An_accepted_handoff_that_was_killed_gives_the_task_to_its_agent_once()
    {
        foreach (var side in Sides(Before))
        {
            var title = $"handoff {side} {Guid.NewGuid()}";
            await planning.Create(title);
            var task = await planning.Receive();
            await planning.Quiet("running");
            var handoff = await planning.Offer(task);

            await planning.KilledAt(typeof(UseHandoff), side, () => planning.Accept(handoff));
            planning.Check();
            await planning.Accept(handoff);
            planning.Check();
            await planning.CompleteHandedOver(task);
            var ticket = await planning.Create(title);
            await planning.Finish(ticket);
            await planning.Drain();
            planning.Check();
            Assert.Equal(new Ending(["handed_off", Completed], [Completed]).ToString(), planning.EndOf(ticket));
            Assert.Equal(["handoff_request", "handoff_accepted"], planning.PostsOf(handoff));
        }
    }

    [Fact]
    [Sampled]
    public async Task A_validators_verdict_that_was_killed_sends_the_work_back_once()
    {
        foreach (var side in Sides(After))
        {
            var title = $"review {side} {Guid.NewGuid()}";
            await planning.Create(title, "reviewed");
            await planning.Complete(await planning.Receive(), Planning.Good);
            var review = await planning.BeginReview();

            await planning.KilledAt(typeof(GiveReview), side, () => planning.Judge(review));
            planning.Check();
            await planning.Judge(review);
            await planning.LeaveReview();
            planning.Check();
            // The operator decides the second review.
            var ticket = await planning.Create(title, "reviewed");
            await planning.Finish(ticket);
            planning.Check();
            Assert.Equal(
                new Ending(["rejected", Completed, Completed], [Completed, Completed, "cancelled"]).ToString(),
                planning.EndOf(ticket)
            );
            Assert.Equal(["validator failed", "operator passed", "operator passed"], planning.VerdictsOf(ticket));
        }
    }

    // Both sides in the long ring, that one in the first ring.
    private static int[] Sides(int first) => Ring.IsLong ? [Before, After] : [first];

    private async Task Each(
        int first,
        Type writes,
        Func<string, Planning.Given?, Task> act,
        Ending? expected = null,
        bool mustReceive = true
    )
    {
        foreach (var side in Sides(first))
        {
            var title = $"{writes.Name} {side} {Guid.NewGuid()}";
            Planning.Given? task = null;
            if (mustReceive)
            {
                await planning.Create(title);
                task = await planning.Receive();
            }

            await planning.Quiet(mustReceive ? "running" : "idle");

            await planning.KilledAt(writes, side, () => act(title, task));
            planning.Check();
            await act(title, task);
            var ticket = await planning.Create(title);
            await planning.Finish(ticket);
            planning.Check();
            Assert.Equal((expected ?? new Ending([Completed], [Completed])).ToString(), planning.EndOf(ticket));
            await planning.CheckBoard();
        }
    }

    /// <summary>How a ticket came to its end.</summary>
    /// <param name="Runs">The ends of its runs.</param>
    /// <param name="Journal">The ends of its tasks.</param>
    private sealed record Ending(string[] Runs, string[] Journal)
    {
        public string[] Moves { get; init; } = ["PHASE_WORK", "PHASE_CHECK", "PHASE_END"];

        public string[] Verdicts { get; init; } = ["PHASE_WORK passed", "PHASE_CHECK passed"];

        public override string ToString() =>
            $"runs: {string.Join(", ", Runs)}; journal: {string.Join(", ", Journal)}; "
            + $"moves: {string.Join(", ", Moves)}; verdicts: {string.Join(", ", Verdicts)}";
    }

    /// <summary>A host that can be killed, with one worker and the operator.</summary>
    public sealed class Planning : IAsyncLifetime
    {
        internal const int Good = 9;
        internal const int Bad = 1;
        private const string Workflow = """
            name: fragile
            phases:
              - id: PHASE_WORK
                name: Work
                status: building
                allowed_transitions: [PHASE_CHECK]
                next: PHASE_CHECK
                tasks:
                  - type: write
                    title: "Write {ticket_title}"
                    capabilities: [writing]
                gate:
                  criteria:
                    - tasks_complete: true
                    - artifact: report
                      field: score
                      at_least: 5
              - id: PHASE_CHECK
                name: Check
                status: testing
                allowed_transitions: [PHASE_END]
                next: PHASE_END
                gate:
                  criteria:
                    - operator: Ship it?
              - id: PHASE_END
                name: End
                status: done
                terminal: true
            board_columns:
              - { id: work, name: Work, phase_mapping: [PHASE_WORK], wip_limit: 3 }
              - { id: check, name: Check, phase_mapping: [PHASE_CHECK], wip_limit: 3 }
              - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
            """;

        private static readonly string Reviewed = Workflow
            .Replace("name: fragile", "name: reviewed", StringComparison.Ordinal)
            .Replace(
                "capabilities: [writing]\n",
                "capabilities: [writing]\n        review: validator\n",
                StringComparison.Ordinal
            );

        private const string QuietSql = """
            SELECT (SELECT to_status FROM agent_status_log WHERE agent = 'worker' ORDER BY id DESC LIMIT 1),
                   (SELECT count(*) FROM tickets WHERE gate_marked = 1)
            """;

        private const string LastStatus =
            "SELECT to_status FROM agent_status_log WHERE agent = 'validator' ORDER BY id DESC LIMIT 1";

        private readonly ChildHost host = new("external");
        private LineClient? worker;
        private LineClient? helper;
        private LineClient? validator;
        private LineClient? operators;

        public async ValueTask InitializeAsync()
        {
            var applied = Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", "worker")).FullName;
            await File.WriteAllTextAsync(
                Path.Combine(applied, "agent.yaml"),
                "duty: worker\ncapabilities: [writing]\n"
            );
            await host.RunSteps();
            using (var line = await host.Operator())
            {
                await line.CallAsync("spawn", new { name = "worker", runtime = "external" });
                // It is connected for its own test alone, so that no other task is given to it.
                Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", "helper"));
                await File.WriteAllTextAsync(
                    Path.Combine(host.DataDir, "applied", "helper", "agent.yaml"),
                    "duty: worker\ncapabilities: [writing]\n"
                );
                await line.CallAsync("spawn", new { name = "helper", runtime = "external" });
                Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", "validator"));
                await File.WriteAllTextAsync(
                    Path.Combine(host.DataDir, "applied", "validator", "agent.yaml"),
                    "duty: validator\n"
                );
                await line.CallAsync("spawn", new { name = "validator", runtime = "external" });
                await line.CallAsync("workflow_load", new { text = Workflow });
                await line.CallAsync("workflow_load", new { text = Reviewed });
                // It is never used up: all claims reserve on it.
                await line.CallAsync(
                    "budget_set",
                    new
                    {
                        scope = "global",
                        limit_usd = 1000,
                        period = "month",
                    }
                );
            }

            await Connect();
        }

        public async ValueTask DisposeAsync()
        {
            worker?.Dispose();
            helper?.Dispose();
            validator?.Dispose();
            operators?.Dispose();
            await host.DisposeAsync();
        }

        /// <summary>Makes a ticket, once for each title.</summary>
        internal async Task<long> Create(string title, string workflow = "fragile") => (
                await operators!.CallAsync(
                    "ticket_create",
                    new
                    {
                        title,
                        workflow,
                        key = title,
                    }
                )
            ).GetProperty("ticket").Number("id");

        /// <summary>Waits until the scheduler has stored how the worker is, and no gate is to be judged: the next
        /// writes are those of the change.</summary>
        internal Task Quiet(string status) =>
            Patience.Until(
                () =>
                    Task.FromResult(
                        LegalRows.In(host.DataDir, db => db.QuerySingle<(string?, long)>(QuietSql)) == (status, 0)
                    ),
                $"the worker is {status}, and no gate is marked"
            );

        /// <summary>The next task that the worker is given.</summary>
        internal async Task<Given> Receive()
        {
            while (true)
            {
                var message = Assert.Single(await worker!.Receive(max: 1, wait: 60));
                if (Given.Of(message) is { } given)
                    return given;
                await Ack(message.Id);
            }
        }

        internal Task Complete(Given task, int score) => Complete(worker!, task, score);

        private static Task Complete(LineClient agent, Given task, int score) =>
            agent.CallAsync(
                "complete_task",
                new
                {
                    task = task.Task,
                    run = task.Run,
                    summary = "It is written.",
                    artifacts = new[] { new { type = "report", content = new { score } } },
                    key = $"{task.Task}-{task.Run}",
                }
            );

        /// <summary>The worker begins a turn with the message of its task.</summary>
        internal async Task<long> Begin(Given task) =>
            (await worker!.CallAsync("begin_turn", new { ids = new[] { task.Message }, wake_from = "system" })).Number(
                "turn"
            );

        /// <summary>The worker's turn ends, and has cost a quarter of a dollar.</summary>
        internal Task End(long turn) =>
            worker!.CallAsync(
                "end_turn",
                new
                {
                    turn,
                    result = "ok",
                    cost_usd = 0.25,
                }
            );

        /// <summary>The bookings of a turn: the task, and millionths of a US dollar.</summary>
        internal (long, long)[] Booked(long turn) =>
            LegalRows.In(
                host.DataDir,
                db =>
                    db.Query<(long, long)>("SELECT task, micro FROM bookings WHERE turn = @turn", new { turn })
                        .ToArray()
            );

        /// <summary>The worker offers its task to the helper.</summary>
        internal async Task<long> Offer(Given task) => (
                await worker!.CallAsync(
                    "handoff",
                    new
                    {
                        action = "request",
                        task = task.Task,
                        to = "helper",
                        reason = "I am needed elsewhere.",
                    }
                )
            ).GetProperty("handoff").Number("id");

        /// <summary>The helper takes the task over; a repeated call gets the first one's answer.</summary>
        internal async Task Accept(long handoff)
        {
            helper ??= await host.Connect("helper");
            await helper.CallAsync(
                "handoff",
                new
                {
                    action = "accept",
                    handoff,
                    key = $"accept {handoff}",
                }
            );
        }

        /// <summary>The helper completes the task that it has taken over, and leaves.</summary>
        internal async Task CompleteHandedOver(Given before)
        {
            Given? given = null;
            while (given?.Task != before.Task)
            {
                var message = Assert.Single(await helper!.Receive(max: 1, wait: 60));
                given = Given.Of(message);
                if (given?.Task == before.Task)
                    await Complete(helper!, given, Good);
                await helper!.CallAsync("ack", new { ids = new[] { message.Id } });
            }

            helper!.Dispose();
            helper = null;
        }

        /// <summary>A validator comes, is given the review, and begins it.</summary>
        internal async Task<Given> BeginReview()
        {
            validator ??= await host.Connect("validator");
            var message = Assert.Single(await validator.Receive(max: 1, wait: 60));
            var given = Given.Of(message)!;
            await validator.CallAsync("get_work", new { task = given.Task });
            return given;
        }

        /// <summary>The validator fails the work; a repeated call gets the first one's answer.</summary>
        internal async Task Judge(Given review)
        {
            validator ??= await host.Connect("validator");
            await validator.CallAsync(
                "review",
                new
                {
                    verdict = "failed",
                    feedback = "It is too short.",
                    run = review.Run,
                    key = $"review {review.Task}",
                }
            );
        }

        /// <summary>The validator acknowledges what it has, and leaves.</summary>
        internal async Task LeaveReview()
        {
            await validator!.CallAsync("requeue_inflight");
            while (await validator.Receive() is { Length: > 0 } left)
                await validator.CallAsync("ack", new { ids = left.Select(message => message.Id) });
            validator.Dispose();
            validator = null;
            // Until the scheduler knows, it would give the next review to it.
            await Patience.Until(
                () =>
                    Task.FromResult(
                        LegalRows.In(host.DataDir, db => db.QuerySingle<string?>(LastStatus))
                            is not ("idle" or "running")
                    ),
                "the validator is away"
            );
        }

        /// <summary>The verdicts of a ticket's reviews, the oldest first.</summary>
        internal string[] VerdictsOf(long ticket) =>
            LegalRows.In(
                host.DataDir,
                db =>
                    db.Query<string>(
                            "SELECT reviewer || ' ' || verdict FROM reviews WHERE ticket = @ticket ORDER BY id",
                            new { ticket }
                        )
                        .ToArray()
            );

        /// <summary>The worker acknowledges what is left: the message of its ended run has come again.</summary>
        internal async Task Drain()
        {
            while (await worker!.Receive() is { Length: > 0 } left)
                await worker!.CallAsync("ack", new { ids = left.Select(message => message.Id) });
        }

        /// <summary>The kinds of the posts in the thread of a handoff.</summary>
        internal string[] PostsOf(long handoff) =>
            LegalRows.In(
                host.DataDir,
                db =>
                    db.Query<string>(
                            "SELECT type FROM posts WHERE thread = (SELECT thread FROM handoffs WHERE id = @handoff)",
                            new { handoff }
                        )
                        .ToArray()
            );

        internal Task Discover(Given task) =>
            worker!.CallAsync(
                "discover",
                new
                {
                    task = task.Task,
                    run = task.Run,
                    type = "bug",
                    description = "It is too long.",
                    spawn = new { title = "Shorten it", capabilities = (string[])["writing"] },
                    key = $"discover {task.Task}",
                }
            );

        internal Task Change(Given task, string action) =>
            operators!.CallAsync(
                "change_task",
                new
                {
                    id = task.Task,
                    action,
                    key = $"{action} {task.Task}",
                }
            );

        /// <summary>Moves a ticket past its gate; a repeated call finds it there.</summary>
        internal async Task Force(Given task, string phase)
        {
            var ticket = await Ticket(task.Ticket);
            if (ticket.Text("phase_id") != phase)
                await operators!.CallAsync(
                    "ticket_move",
                    new
                    {
                        id = task.Ticket,
                        to_phase = phase,
                        reason = "it is urgent",
                        force = true,
                    }
                );
        }

        /// <summary>Kills the host on a side of the commit of a class during an act, and starts it again.</summary>
        internal async Task KilledAt(Type writes, int side, Func<Task> act)
        {
            // The answer to the act may come before the kill, when another step commits afterwards.
            if (!await host.DiesAt(ChildHost.CommitsOf(writes), side, act))
                await host.Ended.WaitAsync(TimeSpan.FromSeconds(60));
            worker!.Dispose();
            helper?.Dispose();
            helper = null;
            validator?.Dispose();
            validator = null;
            operators!.Dispose();
            await host.RunSteps();
            await Connect();
        }

        /// <summary>Worker and operator do what there is to do until a ticket is done.</summary>
        internal Task Finish(long ticket) =>
            Patience.Until(
                async () =>
                {
                    if ((await Ticket(ticket)).Text("status") == "done")
                        return true;
                    await Proceed(ticket);
                    return false;
                },
                $"ticket {ticket} is done"
            );

        private async Task Proceed(long ticket)
        {
            foreach (var message in await worker!.Receive(max: 1))
            {
                if (Given.Of(message) is { } given)
                    await CompleteIfOwn(given);
                await Ack(message.Id);
            }

            foreach (var review in (await operators!.CallAsync("reviews")).GetProperty("reviews").EnumerateArray())
                await operators.CallAsync("review_decide", new { id = review.Number("id"), verdict = "passed" });
            var tasks = await operators.CallAsync("tasks", new { ticket });
            foreach (var task in tasks.GetProperty("tasks").EnumerateArray())
            {
                if (task.Text("status") == "cancelled" && task.Text("kind") != "review")
                    await operators.CallAsync("change_task", new { id = task.Number("id"), action = "retry" });
            }
        }

        internal void Check() => LegalRows.CheckAll(host.DataDir);

        internal string EndOf(long ticket) => LegalRows.In(host.DataDir, db => EndOf(db, ticket).ToString());

        /// <summary>Checks that the columns count the tickets that stand in them.</summary>
        internal async Task CheckBoard()
        {
            var columns = (await operators!.CallAsync("board", new { workflow = "fragile" }))
                .GetProperty("board")
                .GetProperty("columns")
                .Deserialize<BoardColumnView[]>(WireJson.Options)!;
            var stored = LegalRows.In(
                host.DataDir,
                db =>
                    db.Query<(string Phase, long Count)>(
                            "SELECT phase_id, count(*) FROM tickets WHERE workflow = 'fragile' GROUP BY phase_id"
                        )
                        .ToDictionary(t => t.Phase, t => t.Count)
            );
            Assert.All(
                columns,
                column =>
                    Assert.Equal((stored.GetValueOrDefault(column.PhaseMapping[0]), 0), (column.Count, column.Waiting))
            );
        }

        private static Ending EndOf(DbConnection db, long ticket)
        {
            const string Own = "task IN (SELECT id FROM tasks WHERE ticket = @ticket)";
            string[] All(string sql) => [.. db.Query<string>(sql, new { ticket })];
            return new Ending(
                All($"SELECT end FROM runs WHERE {Own} ORDER BY id"),
                All($"SELECT status FROM task_ends WHERE {Own} ORDER BY id")
            )
            {
                Moves = All(
                    "SELECT to_phase FROM ticket_history WHERE ticket = @ticket AND to_phase IS NOT NULL ORDER BY id"
                ),
                Verdicts = All("SELECT phase_id || ' ' || status FROM verdicts WHERE ticket = @ticket ORDER BY id"),
            };
        }

        private async Task<JsonElement> Ticket(long id) =>
            (await operators!.CallAsync("ticket", new { id })).GetProperty("ticket");

        private Task Ack(long id) => worker!.CallAsync("ack", new { ids = new[] { id } });

        // The message of an ended run may come again: it was leased to the connection that the kill closed.
        private async Task CompleteIfOwn(Given given)
        {
            try
            {
                await Complete(given, Good);
            }
            catch (HiveException e) when (e.Code == "conflict")
            {
                // The worker stops working on it.
            }
        }

        private async Task Connect()
        {
            operators = await host.Operator();
            worker = await host.Connect("worker");
            await worker.CallAsync("requeue_inflight");
        }

        /// <summary>A task that an agent was given.</summary>
        internal sealed record Given(long Task, long Run, long Ticket, long Message)
        {
            public static Given? Of(Message message) =>
                JsonElement.Parse(message.Body) is var body && body.Text("event") == "task_assigned"
                    ? new Given(body.Number("id"), body.Number("run"), body.Number("ticket"), message.Id)
                    : null;
        }
    }
}
