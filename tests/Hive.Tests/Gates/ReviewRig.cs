using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Git;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>A host with a workflow of one phase that is worked in, and agents at their sockets.</summary>
internal sealed class ReviewRig : IAsyncDisposable
{
    private readonly Dictionary<string, LineClient> lines = [];

    private ReviewRig(HiveFixture hive, LineClient host) => (Hive, Host) = (hive, host);

    /// <summary>A task that an agent was given, and the turn in which it works on it.</summary>
    public sealed record Work(string Agent, long Task, long Run, long Turn, JsonElement Message);

    public HiveFixture Hive { get; }

    public LineClient Host { get; }

    /// <summary>The events of messages besides new tasks, each with its agent, in their order.</summary>
    public List<(string Agent, JsonElement Body)> News { get; } = [];

    /// <summary>Starts a host with a workflow whose phase has those keys, below <c>- id</c>.</summary>
    public static async Task<ReviewRig> Start(string keys, params string[] args)
    {
        var hive = await HiveFixture.Start(args);
        var rig = new ReviewRig(hive, await hive.Operator());
        await rig.Host.CallAsync("workflow_load", new { text = Yaml(keys) });
        return rig;
    }

    public static string Yaml(string keys) =>
        $"""
            name: checked
            phases:
              - id: PHASE_WORK
                name: Work
                status: building
                allowed_transitions: [PHASE_END]
                next: PHASE_END
            {string.Join('\n', keys.Split('\n').Select(line => "    " + line))}
              - id: PHASE_END
                name: End
                status: done
                terminal: true
            board_columns:
              - id: work
                name: Work
                phase_mapping: [PHASE_WORK]
              - id: end
                name: End
                phase_mapping: [PHASE_END]
                terminal: true

            """;

    /// <summary>Creates an agent and connects it; the host knows of it when this returns.</summary>
    public async Task<LineClient> Agent(string name, string duty, string more = "")
    {
        await Hive.SpawnAs(name, $"duty: {duty}\n{more}");
        var line = await Hive.Connect(name);
        await line.CallAsync("status");
        return lines[name] = line;
    }

    public async Task<long> Ticket(string title = "Log in", string? repository = null) => (
            await Host.CallAsync(
                "ticket_create",
                new
                {
                    title,
                    workflow = "checked",
                    repository,
                }
            )
        ).GetProperty("ticket").Number("id");

    /// <summary>Waits for the next task of an agent, and begins a turn with it.</summary>
    public async Task<Work> Next(string agent)
    {
        while (true)
        {
            var message = Assert.Single(await lines[agent].Receive(max: 1, wait: 180));
            var body = JsonElement.Parse(message.Body);
            if (body.Text("event") != "task_assigned")
            {
                News.Add((agent, body));
                await lines[agent].CallAsync("ack", new { ids = new[] { message.Id } });
                continue;
            }

            var turn = await lines[agent]
                .CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = "system" });
            return new Work(agent, body.Number("id"), body.Number("run"), turn.Number("turn"), body);
        }
    }

    /// <summary>Takes the messages that an agent has now into <see cref="News"/>.</summary>
    public async Task Hear(string agent)
    {
        foreach (var message in await lines[agent].Receive())
        {
            News.Add((agent, JsonElement.Parse(message.Body)));
            await lines[agent].CallAsync("ack", new { ids = new[] { message.Id } });
        }
    }

    public Task End(Work work) => lines[work.Agent].CallAsync("end_turn", new { turn = work.Turn, result = "ok" });

    /// <summary>Completes a task with what it hands in, and ends the turn.</summary>
    public async Task Complete(Work work, params object[] artifacts)
    {
        await Call(work.Agent, "complete_task", new { summary = $"did {work.Task}", artifacts });
        await End(work);
    }

    public static object Report(string text) => new { type = "report", content = new { content = text } };

    public async Task<JsonElement> Call(string agent, string tool, object fields) =>
        await lines[agent].CallAsync(tool, fields);

    /// <summary>The brief of an agent's own task, which shows what a review is about.</summary>
    public async Task<JsonElement> Look(string agent) => (await Call(agent, "get_work", new { })).GetProperty("brief");

    /// <summary>Waits for an agent's next review, looks at it, gives a verdict and ends the turn.</summary>
    public async Task<Work> Review(string agent, string verdict, string? feedback = null)
    {
        var work = await Next(agent);
        await Look(agent);
        await Call(agent, "review", new { verdict, feedback });
        await End(work);
        return work;
    }

    public async Task<JsonElement> Task(long id) => (await Host.CallAsync("task", new { id })).GetProperty("task");

    /// <summary>The ends of a task's runs, the oldest first.</summary>
    public async Task<string?[]> Ends(long task) =>
        [.. (await Task(task)).GetProperty("runs").EnumerateArray().Select(r => r.Text("end")).Reverse()];

    public async Task<JsonElement[]> Tasks(long ticket) =>
        [
            .. (await Host.CallAsync("tasks", new { ticket }))
                .GetProperty("tasks")
                .EnumerateArray()
                .OrderBy(t => t.Number("id")),
        ];

    /// <summary>A ticket's reviews, the oldest first.</summary>
    public async Task<Review[]> Reviews(long ticket) =>
        [
            .. (await Host.CallAsync("reviews", new { ticket }))
                .GetProperty("reviews")
                .Deserialize<Review[]>(WireJson.Options)!
                .OrderBy(r => r.Id),
        ];

    public async Task<GateView> Gate(long ticket, bool judge = false) =>
        (await Host.CallAsync("gate", new { ticket, judge }))
            .GetProperty("gate")
            .Deserialize<GateView>(WireJson.Options)!;

    public async Task<string?> PhaseOf(long ticket) =>
        (await Host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket").Text("phase_id");

    public Task Ended(long ticket) =>
        Patience.Until(async () => await PhaseOf(ticket) == "PHASE_END", $"ticket {ticket} ends");

    /// <summary>Creates a real repository below an agent's state folder, with one commit.</summary>
    /// <returns>Its folder on the host.</returns>
    public string Repository(string agent, string name = "shop")
    {
        var folder = Directory.CreateDirectory($"{Hive.DataDir}/agents/{agent}/state/{name}").FullName;
        Repositories.AsSomebody(folder, "init", "-q", "-b", "main");
        Commit(folder, "first");
        return folder;
    }

    /// <summary>Commits a file; returns the commit.</summary>
    public static string Commit(string folder, string content, string file = "file")
    {
        File.WriteAllText(Path.Combine(folder, file), content);
        Repositories.AsSomebody(folder, "add", "-A");
        Repositories.AsSomebody(folder, "commit", "-q", "-m", $"Write {content[..Math.Min(20, content.Length)]}");
        return Repositories.AsSomebody(folder, "rev-parse", "HEAD");
    }

    public static object Changes(string commit, string repository) =>
        new
        {
            type = "code_changes",
            commit,
            repository,
        };

    public ValueTask DisposeAsync() => Hive.DisposeAsync();
}
