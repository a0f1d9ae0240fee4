using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Cli;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;
using Hive.Tests.Workflows;

namespace Hive.Tests.Gates;

/// <summary>A ticket's whole way through the real doors: the operator at the command line and at REST, agents at their
/// sockets, and the page's stream and snapshot.</summary>
public sealed class TicketLoopTests : IAsyncLifetime
{
    private const StringComparison Ordinal = StringComparison.Ordinal;
    private const string Shop = "/agents/bob/state/shop";
    private const string Document = "/agents/alice/state/login/requirements.md";

    private TicketStory story = null!;
    private string shop = null!;
    private string commit = "";
    private LineClient alice = null!;
    private LineClient bob = null!;
    private LineClient vera = null!;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public async ValueTask InitializeAsync()
    {
        story = await TicketStory.Start();
        alice = await story.Agent("alice", "duty: worker\ncapabilities: [analysis, documentation]\n");
        bob = await story.Agent("bob", "duty: worker\ncapabilities: [implementation, testing]\n");
        vera = await story.Agent("vera", "duty: validator\ncapabilities: [review]\n");
        shop = Directory.CreateDirectory(story.Hive.DataDir + Shop).FullName;
        Repositories.AsSomebody(shop, "init", "-q", "-b", "main");
        ReviewRig.Commit(shop, "nothing yet");
        Repositories.AsSomebody(shop, "clone", "-q", "--bare", shop, story.Hive.DataDir + "/shared/shop");
    }

    public ValueTask DisposeAsync() => story.DisposeAsync();

    [Fact]
    public async Task A_ticket_goes_from_a_file_through_each_phase_to_done()
    {
        Assert.Contains("loaded ship: 5 phases, 5 columns", (await story.Load("workflow", Texts.Ship)).Output, Ordinal);
        var inbox = alice.Receive(max: 1, wait: 180);
        await LoadTicket();
        var work = await story.Begin(alice, "alice", await inbox);
        await RefuseEvidence(work.Task);
        await CompleteAnalysis(work.Task);
        await story.End(alice, work);
        await WriteUp();
        await Rework();
        await GoOn();
        await Implement();
        await TestAndShip();
    }

    // The first phase asks nothing and the next column has room: the ticket goes on in the write that makes it.
    private async Task LoadTicket()
    {
        const string Login = """
            tickets:
              - ref: login
                title: Log in
                workflow: ship
                priority: HIGH
                repository: /shared/shop
            """;
        var made = Outcomes.Document(await story.Load("ticket", Login, "--json"));
        var loaded = Assert.Single(made.GetProperty("tickets").EnumerateArray());
        Assert.Equal("login", loaded.Text("ref"));
        story.Ticket = loaded.Number("id");
        await story.SeesCard("phase_id", "PHASE_REQUIREMENTS");
        await story.SeesColumn("analyzing", 1);
        Assert.Equal(["created", "advanced"], await story.History());

        var tasks = await story.Tasks();
        Assert.Equal(
            [
                ("analyze_requirements", "Analyse: Log in", "HIGH"),
                ("create_requirements_doc", "Write up: Log in", "MEDIUM"),
            ],
            tasks.Select(t => (t.Text("task_type")!, t.Text("title")!, t.Text("priority")!))
        );
        Assert.Empty((await story.SeesTask(tasks[0].Number("id"), "pending")).Holds());
        var second = await story.SeesTask(tasks[1].Number("id"), "pending");
        Assert.Equal(["dependency"], second.Holds());
        Assert.Equal(
            tasks[0].Number("id"),
            Assert.Single(second.GetProperty("depends_on").EnumerateArray()).GetInt64()
        );
        var card = Assert.Single(
            (await story.Hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/tickets")).EnumerateArray()
        );
        Assert.Equal(
            (story.Ticket, "PHASE_REQUIREMENTS", "analyzing", "open"),
            (card.Number("id"), card.Text("phase_id")!, card.Text("status")!, card.Text("gate")!)
        );
        Assert.Equal("0 1 0 0 0", await story.Counts("ship"));
    }

    // Evidence that cannot be read is refused at once, with the task still running.
    private async Task RefuseEvidence(long task)
    {
        var agents = story.Hive.DataDir + "/agents";
        var own = agents + "/alice/state";
        await File.WriteAllTextAsync(agents + "/bob/state/secret", "x", Ct);
        File.CreateSymbolicLink($"{own}/link", agents + "/bob/state/secret");
        using (var fifo = Process.Start("mkfifo", [$"{own}/pipe"]))
            await fifo.WaitForExitAsync(Ct);
        await using (var sparse = new FileStream($"{own}/sparse", FileMode.CreateNew))
            sparse.SetLength(2L << 30);
        foreach (
            var (path, code) in new[]
            {
                ("/agents/alice/state/../../bob/state/secret", "forbidden"),
                ("/agents/bob/state/secret", "forbidden"),
                ("/agents/alice/state/link", "not_found"),
                ("/agents/alice/state/pipe", "not_found"),
                ("/agents/alice/state/sparse", "too_large"),
                (Document, "not_found"),
            }
        )
        {
            object[] artifacts = [Requirements(path)];
            await Talk.Refused(() => TicketStory.Complete(alice, artifacts), code);
            await Talk.Refused(() => alice.CallAsync("report_progress", new { text = "so far", artifacts }), code);
        }

        object commit = ReviewRig.Changes("9f3c000", "forge:agents/shop");
        await Talk.Refused(() => TicketStory.Complete(alice, [commit]), "unavailable");
        Assert.Equal("running", (await story.Detail(task)).Text("status"));
        Assert.Equal(0, (await story.Rest($"tickets/{story.Ticket}/artifacts")).GetArrayLength());
    }

    private async Task CompleteAnalysis(long task)
    {
        var brief = (await alice.CallAsync("get_work")).GetProperty("brief");
        Assert.Equal((task, "running"), (brief.Number("id"), brief.Text("status")));
        Assert.Equal("You write requirements. Ask the operator what you cannot know.\n", brief.Text("phase_prompt"));
        var expected = Assert.Single(brief.GetProperty("expected_outputs").EnumerateArray());
        Assert.Equal(("requirements_document", "*/requirements.md"), (expected.Text("type"), expected.Text("pattern")));
        Assert.Contains("at least 500 characters", expected.GetProperty("gate").ToString(), Ordinal);
        await alice.CallAsync("report_progress", new { text = "reading", percent = 40 });
        Assert.Equal(40, (await story.SeesTask(task, t => t.Text("progress") == "reading")).Number("progress_percent"));

        await Write("first");
        var answer = await TicketStory.Complete(alice, [Requirements(Document)], ["cookies"]);
        Assert.Equal(
            (task, "completed"),
            (answer.GetProperty("task").Number("id"), answer.GetProperty("task").Text("status"))
        );
        var added = (await story.Sees("artifact_added", _ => true)).GetProperty("artifact");
        Assert.Equal(
            (story.Ticket, task, Document, "alice"),
            (added.Number("ticket"), added.Number("task"), added.Text("path"), added.Text("by"))
        );
        await story.SeesTask(task, "completed");
        var next = (await story.Tasks())[1].Number("id");
        await story.SeesTask(next, t => t.Holds().Length == 0 && t.GetProperty("deps").Number("done") == 1);
    }

    // Once the last task has ended, all that the host can judge holds, and the validator is asked.
    private async Task WriteUp()
    {
        var work = await story.Next(alice, "alice");
        await TicketStory.Complete(alice, []);
        await story.End(alice, work);
        var review = await story.Next(vera, "vera");
        var gate = (await story.Host.CallAsync("gate", new { ticket = story.Ticket })).GetProperty("gate");
        Assert.Equal("open", gate.Text("gate_status"));
        Assert.Equal(
            ["tasks_complete met", "artifact met", "validator waiting"],
            gate.GetProperty("criteria").EnumerateArray().Select(c => $"{c.Text("kind")} {c.Text("state")}")
        );
        Assert.Contains("waits for a validator", await RefusedMove("PHASE_IMPLEMENTATION"), Ordinal);
        await Judge(review, "failed", "no error cases");
    }

    // A failed review makes rework with the feedback, for the agent whose work it was.
    private async Task Rework()
    {
        Assert.Equal(1, (await story.SeesGate("PHASE_REQUIREMENTS", "failed")).Number("iteration"));
        var rework = Assert.Single(await story.Tasks(), t => t.Text("task_type") == "rework");
        Assert.Equal("Rework: Write up: Log in", rework.Text("title"));
        // The history says what the gate lacked.
        var history = (await story.Host.CallAsync("ticket", new { id = story.Ticket })).GetProperty("history");
        Assert.Single(
            history.EnumerateArray().Where(h => h.Text("kind") == "gate").Select(h => h.Text("reason")!),
            reason => reason.StartsWith("failed: ", Ordinal) && reason.Contains("vera: no error cases", Ordinal)
        );

        var work = await story.Next(alice, "alice");
        Assert.Equal(rework.Number("id"), work.Task);
        var brief = (await alice.CallAsync("get_work")).GetProperty("brief");
        Assert.Contains("vera: no error cases", brief.Text("description"), Ordinal);
        await Write("second");
        await TicketStory.Complete(alice, [Requirements(Document)]);
        await story.End(alice, work);
        // Each artifact is the document as it was handed in.
        foreach (var (id, word) in new[] { (1, "first"), (2, "second") })
            Assert.StartsWith($"# Scope\n{word}", (await story.Host.CallAsync("artifact", new { id })).Text("content"));
    }

    // A validator looks at what it is asked about, and gives its verdict.
    private async Task Judge(TicketStory.Work review, string verdict, string? feedback = null)
    {
        Assert.NotEmpty(
            (await vera.CallAsync("get_work"))
                .GetProperty("brief")
                .GetProperty("review")
                .GetProperty("artifacts")
                .EnumerateArray()
        );
        await vera.CallAsync("review", new { verdict, feedback });
        await story.End(vera, review);
    }

    private async Task GoOn()
    {
        await Judge(await story.Next(vera, "vera"), "passed");
        await story.SeesGate("PHASE_REQUIREMENTS", "passed");
        await story.SeesCard("phase_id", "PHASE_IMPLEMENTATION");
        await story.SeesColumn("analyzing", 0);
        await story.SeesColumn("building", 1);
        Assert.Equal("0 0 1 0 0", await story.Counts("ship"));
        Assert.Equal("advanced", (await story.History())[^1]);
        var context = (await story.Rest($"tickets/{story.Ticket}/context"))
            .GetProperty("full_context")
            .GetProperty("phases")
            .GetProperty("PHASE_REQUIREMENTS");
        Assert.Equal("cookies", Assert.Single(context.GetProperty("decisions").EnumerateArray()).GetString());
        Assert.Equal("Implement: Log in", (await story.Tasks())[^1].Text("title"));
    }

    // The validator sends the first commit back, and lets the second pass. Its figure is too low: the gate fails, and
    // the rework is bob's. The next column is filled by hand, so the ticket waits before it.
    private async Task Implement()
    {
        foreach (
            var (type, content, coverage, verdict) in new[]
            {
                ("implement_feature", "without tests", 60, "failed"),
                ("implement_feature", "with tests", 60, "passed"),
                ("rework", "with more tests", 85, null),
            }
        )
        {
            var work = await NextOfBob();
            var brief = (await bob.CallAsync("get_work")).GetProperty("brief");
            Assert.Equal((type, "/shared/shop"), (brief.Text("task_type"), brief.Text("ticket_repository")));
            Assert.Contains("cookies", brief.GetProperty("context").Text("summary"), Ordinal);
            commit = ReviewRig.Commit(shop, content);
            await TicketStory.Complete(bob, [ReviewRig.Changes(commit, Shop)], coverage: coverage);
            await story.End(bob, work);
            if (verdict is null)
                continue;
            Assert.Equal("reviewing", (await story.Detail(work.Task)).Text("status"));
            await Judge(await story.Next(vera, "vera"), verdict, verdict == "failed" ? "where are the tests?" : null);
        }

        Assert.Contains(
            "test_coverage_percentage is 60; it must be at least 80",
            (await story.SeesGate("PHASE_IMPLEMENTATION", "failed")).GetProperty("blocking_reasons").ToString(),
            Ordinal
        );
        await story.SeesGate("PHASE_IMPLEMENTATION", "waiting");
        var card = await story.SeesCard("gate", "waiting");
        Assert.Equal(("PHASE_IMPLEMENTATION", "building-done"), (card.Text("phase_id"), card.Text("status")));
        Assert.Equal("0 0 1 0 0", await story.Counts("ship"));
    }

    // The verdict of a validator comes as a message before the task comes again.
    private async Task<TicketStory.Work> NextOfBob()
    {
        var received = await bob.Receive(max: 1, wait: 180);
        if (JsonElement.Parse(received[0].Body) is var told && told.Text("event") == "task_rejected")
        {
            Assert.Equal("vera: where are the tests?", told.Text("feedback"));
            await bob.CallAsync("ack", new { ids = new[] { received[0].Id } });
            received = await bob.Receive(max: 1, wait: 180);
        }

        return await story.Begin(bob, "bob", received);
    }

    private async Task TestAndShip()
    {
        var move = new { ticket_id = story.Ticket, target_column_id = "testing" };
        using var moved = await story.Hive.Http().PostAsJsonAsync("/api/v1/board/move", move, Ct);
        Assert.Equal("PHASE_TESTING", (await moved.Content.ReadFromJsonAsync<JsonElement>(Ct)).Text("new_phase"));
        await story.SeesColumn("testing", 1);
        var work = await story.Next(bob, "bob");
        // Bob merges; the host only looks.
        Repositories.AsSomebody(shop, "push", "-q", $"{story.Hive.DataDir}/shared/shop", "main");
        await TicketStory.Complete(bob, [Data("test_results", new { all_passed = true })]);
        await story.End(bob, work);
        var review = await story.Asked("Ship it?", time: 1);
        Assert.Contains("waits for the operator", await RefusedMove("PHASE_DONE"), Ordinal);
        await story.Cli("review", $"{review.Number("id")}", "pass");
        await story.SeesGate("PHASE_TESTING", "passed");
        await story.SeesCard("phase_id", "PHASE_DONE");
        await story.SeesColumn("done", 1);

        var ended = (await story.Host.CallAsync("ticket", new { id = story.Ticket })).GetProperty("ticket");
        Assert.Equal(("done", "operator"), (ended.Text("status"), ended.Text("requester")));
        Assert.NotNull(ended.Text("done_at"));
        Assert.Contains("- Requirements: ", ended.Text("context_summary"), Ordinal);
        Assert.Equal("0 0 0 0 1", await story.Counts("ship"));
        // No task was worked on twice.
        foreach (var task in await story.Tasks())
        {
            var ends = (await story.Detail(task.Number("id")))
                .GetProperty("runs")
                .EnumerateArray()
                .Select(run => run.Text("end"))
                .Order();
            Assert.Equal("completed", task.Text("status"));
            Assert.Equal(
                task.Text("task_type") == "implement_feature" ? ["completed", "rejected"] : ["completed"],
                ends
            );
        }

        // The commit that passed is found in main of a real repository.
        var sha = Repositories.AsSomebody($"{story.Hive.DataDir}/shared/shop", "rev-parse", "main");
        Assert.Equal(commit, sha);
        var kept = (await story.Rest($"tickets/{story.Ticket}/artifacts")).EnumerateArray();
        Assert.Equal(sha, kept.First(a => a.Text("type") == "code_changes").Text("sha"));
    }

    private async Task<string> RefusedMove(string phase) =>
        (
            await Talk.Refused(
                () => story.Host.CallAsync("ticket_move", new { id = story.Ticket, to_phase = phase }),
                "conflict"
            )
        ).Message;

    private async Task Write(string word)
    {
        var folder = Path.GetDirectoryName(story.Hive.DataDir + Document)!;
        Directory.CreateDirectory(folder);
        var text = $"# Scope\n{word} {new string('x', 500)}\n\n# Acceptance criteria\n";
        await File.WriteAllTextAsync(story.Hive.DataDir + Document, text, Ct);
    }

    private static object Requirements(string path) => new { type = "requirements_document", path };

    private static object Data(string type, object content) => new { type, content };
}
