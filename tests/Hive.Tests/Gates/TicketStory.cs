using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Cli;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>One ticket that agents work on at their sockets, as the operator and the page see it.</summary>
internal sealed class TicketStory : IAsyncDisposable
{
    private readonly List<JsonElement> seen = [];
    private readonly Dictionary<string, int> columns = [];
    private readonly EventReader events;

    // Where the last event was found.
    private int last;

    private TicketStory(HiveFixture hive, LineClient host, EventReader events) =>
        (Hive, Host, this.events) = (hive, host, events);

    /// <summary>A task that an agent was given, and the turn in which it works on it.</summary>
    public sealed record Work(long Task, long Run, long Message, long Turn);

    public HiveFixture Hive { get; }

    public LineClient Host { get; }

    /// <summary>The ticket, once it was loaded.</summary>
    public long Ticket { get; set; }

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<TicketStory> Start()
    {
        // Cards and columns are published after a pause.
        var hive = await HiveFixture.Start(realClock: true);
        return new TicketStory(hive, await hive.Operator(), await hive.Events());
    }

    /// <summary>Creates an agent and connects it; the host knows of it when this returns.</summary>
    public async Task<LineClient> Agent(string name, string yaml)
    {
        await Hive.SpawnAs(name, yaml);
        var line = await Hive.Connect(name);
        await line.CallAsync("status");
        return line;
    }

    /// <summary>Runs the command line program against this host.</summary>
    public async Task<Outcome> Cli(params string[] arguments) =>
        Outcomes.Ok(await Built.HiveAsync([.. arguments, "--run-dir", Hive.RunDir]));

    /// <summary>Loads a file that holds a text, by the command line program.</summary>
    public async Task<Outcome> Load(string what, string text, params string[] options)
    {
        var file = Path.Combine(Hive.Folder, "given.yaml");
        await File.WriteAllTextAsync(file, text, Ct);
        return await Cli([what, "load", file, .. options]);
    }

    public async Task<JsonElement> Rest(string path) =>
        await Hive.Http().GetFromJsonAsync<JsonElement>($"/api/v1/{path}", Ct);

    /// <summary>The ticket's tasks, the oldest first.</summary>
    public async Task<JsonElement[]> Tasks() =>
        [
            .. (await Host.CallAsync("tasks", new { ticket = Ticket }))
                .GetProperty("tasks")
                .EnumerateArray()
                .OrderBy(t => t.Number("id")),
        ];

    public async Task<JsonElement> Detail(long task) =>
        (await Host.CallAsync("task", new { id = task })).GetProperty("task");

    /// <summary>The kinds of the ticket's history, the oldest first.</summary>
    public async Task<string[]> History() =>
        [
            .. (await Host.CallAsync("ticket", new { id = Ticket }))
                .GetProperty("history")
                .EnumerateArray()
                .Select(h => h.Text("kind")!)
                .Reverse(),
        ];

    /// <summary>How many tickets stand in each column of a workflow, by the snapshot.</summary>
    public async Task<string> Counts(string workflow) =>
        string.Join(
            ' ',
            (await Hive.State())
                .GetProperty("board")
                .EnumerateArray()
                .Where(c => c.Text("workflow") == workflow)
                .Select(c => c.GetProperty("count").GetInt32())
        );

    /// <summary>Begins a turn with the message that gave a task to an agent, as its harness does.</summary>
    public async Task<Work> Begin(LineClient agent, string name, Message[] received)
    {
        var message = Assert.Single(received);
        Assert.Equal(("system", name), (message.From, message.To));
        var brief = JsonElement.Parse(message.Body);
        Assert.Equal(("task_assigned", Ticket), (brief.Text("event"), brief.Number("ticket")));
        var (task, run) = (brief.Number("id"), brief.Number("run"));
        Assert.Equal(name, (await SeesTask(task, "assigned", run)).Text("agent"));
        foreach (var kind in new[] { "sent", "delivered" })
            await Sees(kind, e => e.GetProperty("message").Number("id") == message.Id);

        var began = await agent.CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = "system" });
        var turn = began.Number("turn");
        Assert.Equal(name, (await SeesTask(task, "running", run)).Text("agent"));
        var noted = (await Detail(task)).GetProperty("runs").EnumerateArray().First();
        Assert.Equal((run, turn), (noted.Number("id"), noted.Number("turn")));
        var row = await Hive.Row(name);
        Assert.Equal(1, row.Number("active_tasks"));
        return new Work(task, run, message.Id, turn);
    }

    /// <summary>Waits for the next task of an agent and begins it.</summary>
    public async Task<Work> Next(LineClient agent, string name) =>
        await Begin(agent, name, await agent.Receive(max: 1, wait: 180));

    public static Task<JsonElement> Complete(
        LineClient agent,
        object[] artifacts,
        string[]? decisions = null,
        int? coverage = null
    ) =>
        agent.CallAsync(
            "complete_task",
            new
            {
                summary = "It is done.",
                artifacts,
                decisions,
                metrics = coverage is { } figure
                    ? new Dictionary<string, double> { ["test_coverage_percentage"] = figure }
                    : null,
            }
        );

    /// <summary>Ends the turn in which a task was completed; the host acks the task's message.</summary>
    public async Task End(LineClient agent, Work work)
    {
        var ended = await agent.CallAsync(
            "end_turn",
            new
            {
                turn = work.Turn,
                result = "ok",
                input_tokens = 1000,
            }
        );
        Assert.Equal(1, ended.Number("acked"));
        var run = (await Detail(work.Task)).GetProperty("runs").EnumerateArray().First();
        Assert.Equal((work.Run, "completed"), (run.Number("id"), run.Text("end")));
        await Sees("acked", e => e.GetProperty("message").Number("id") == work.Message);
        var told = await Sees("turn_ended", e => e.GetProperty("turn").Number("id") == work.Turn);
        Assert.Equal(1000, told.GetProperty("turn").Number("input_tokens"));
    }

    /// <summary>The open review that is the n-th with that question.</summary>
    public async Task<JsonElement> Asked(string question, int time)
    {
        HashSet<long> ids = [];
        var asked = await Sees(
            "review_changed",
            e =>
                e.GetProperty("review") is var review
                && review.Text("question") == question
                && ids.Add(review.Number("id"))
                && ids.Count == time
        );
        return asked.GetProperty("review");
    }

    public Task<JsonElement> SeesTask(long task, string status, long? run = null) =>
        SeesTask(task, t => t.Text("status") == status && (run is null || t.Number("run") == run));

    public async Task<JsonElement> SeesTask(long task, Func<JsonElement, bool> isIt) =>
        (
            await Sees("task_changed", e => e.GetProperty("task").Number("id") == task && isIt(e.GetProperty("task")))
        ).GetProperty("task");

    public async Task<JsonElement> SeesGate(string phase, string status) =>
        (
            await Sees(
                "gate_changed",
                e =>
                    e.GetProperty("gate").Text("phase_id") == phase
                    && e.GetProperty("gate").Text("gate_status") == status
            )
        ).GetProperty("gate");

    public async Task<JsonElement> SeesCard(string member, string value) =>
        (await Sees("ticket_changed", e => e.GetProperty("ticket").Text(member) == value)).GetProperty("ticket");

    /// <summary>Waits until a column has that many tickets, after what was seen of it before.</summary>
    public async Task SeesColumn(string column, int count)
    {
        var from = columns.GetValueOrDefault(column);
        await Sees(
            "column_changed",
            e =>
                e.GetProperty("column") is var shown
                && shown.Text("workflow") == "ship"
                && shown.Text("id") == column
                && shown.GetProperty("count").GetInt32() == count,
            from
        );
        columns[column] = last;
    }

    /// <summary>The first event that fits, whether it has come already or is still to come.</summary>
    public async Task<JsonElement> Sees(string kind, Func<JsonElement, bool> isIt, int from = 0)
    {
        for (last = from; ; last++)
        {
            if (last == seen.Count)
                seen.Add(await events.Next().WaitAsync(TimeSpan.FromMinutes(2), Ct));
            if (seen[last].GetProperty("kind").GetString() == kind && isIt(seen[last]))
                return seen[last];
        }
    }

    public ValueTask DisposeAsync() => Hive.DisposeAsync();
}
