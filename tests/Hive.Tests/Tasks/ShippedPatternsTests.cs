using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Tasks;

/// <summary>The patterns of a new Hive from one call to their end: the scheduler gives each task to an agent at its
/// socket, and the host ends what no agent does.</summary>
public sealed class ShippedPatternsTests : IAsyncLifetime
{
    // The tasks of a ticket are those of its pattern.
    private const string Workflow = """
        name: plain
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
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
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    private HiveFixture hive = null!;
    private LineClient host = null!;
    private readonly Dictionary<string, LineClient> agents = [];

    public async ValueTask InitializeAsync()
    {
        hive = await HiveFixture.Start(realClock: true);
        host = await hive.Operator();
        foreach (var name in (string[])["alice", "bob", "carl"])
        {
            await hive.SpawnAs(name, "duty: worker\ncapabilities: [implementation]\n");
            agents.Add(name, await hive.Connect(name));
            await agents[name].CallAsync("status");
        }
    }

    public ValueTask DisposeAsync() => hive.DisposeAsync();

    [Fact]
    public async Task A_majority_decides_although_one_of_three_fails()
    {
        var tasks = await Apply(
            "majority_vote",
            new JsonObject { ["question"] = "Rust or Go?", ["evaluators"] = new JsonArray("alice", "bob", "carl") }
        );
        Assert.Equal(["work", "work", "work", "merge", "work"], tasks.Select(t => t.Text("kind")));
        // A vote of a field of its own is not lost to another one.
        Assert.Contains("field 'alice'", (await Task(tasks[0])).Text("description"), StringComparison.Ordinal);
        await End("bob", "fail_task", new { reason = "I do not know", kind = "permanent" });
        // A field of another name would stand in no place of its own, or in another agent's.
        await Patience.Until(async () => (await Task(tasks[0])).Text("status") == "assigned", "alice has her task");
        foreach (var outputs in new object?[] { null, new { vote = "go" }, new { alice = "go", carl = "go" }, "go" })
        {
            var refused = await Assert.ThrowsAsync<HiveException>(() =>
                agents["alice"].CallAsync("complete_task", new { summary = "Go", outputs })
            );
            Assert.Equal("invalid", refused.Code);
            Assert.Contains(
                "must be an object with the field 'alice' and no other",
                refused.Message,
                StringComparison.Ordinal
            );
            Assert.Equal("assigned", (await Task(tasks[0])).Text("status"));
        }

        await End("alice", "complete_task", new { summary = "Go", outputs = new { alice = "go" } });
        Assert.Equal("pending", (await Task(tasks[3])).Text("status"));
        await End("carl", "complete_task", new { summary = "Rust", outputs = new { carl = "rust" } });
        var votes = await Task(tasks[3]);
        Assert.Equal("completed", votes.Text("status"));
        Assert.Equal(
            "{\"alice\":\"go\",\"carl\":\"rust\"}",
            votes.GetProperty("result").GetProperty("outputs").GetRawText()
        );
        await EndByAny(tasks[4], brief => Assert.Contains("\"carl\":\"rust\"", brief.GetRawText()));
        Assert.Equal(["completed", "failed", "completed", "completed", "completed"], await Statuses(tasks));
    }

    [Fact]
    public async Task Modules_are_put_together_when_all_are_done()
    {
        var tasks = await Apply(
            "parallel_implementation",
            new JsonObject { ["feature"] = "Login", ["modules"] = new JsonArray("form", "session", "audit") }
        );
        foreach (var name in agents.Keys)
            await End(name, "complete_task", new { summary = $"by {name}" });
        Assert.Equal("completed", (await Task(tasks[3])).Text("status"));
        await EndByAny(tasks[4], brief => Assert.Contains("3 of 3 tasks are completed", brief.GetRawText()));
        Assert.All(await Statuses(tasks), status => Assert.Equal("completed", status));
    }

    [Fact]
    public async Task Findings_of_reviewers_are_worked_in_together()
    {
        var tasks = await Apply(
            "review_feedback_loop",
            new JsonObject { ["subject"] = "the plan", ["reviewers"] = new JsonArray("alice", "bob") }
        );
        Assert.Contains("field 'bob'", (await Task(tasks[1])).Text("description"), StringComparison.Ordinal);
        await End("alice", "complete_task", new { summary = "s", outputs = new { alice = (string[])["style"] } });
        await End("bob", "complete_task", new { summary = "s", outputs = new { bob = (string[])["tests"] } });
        await EndByAny(
            tasks[3],
            brief =>
                Assert.Contains(
                    "{\"alice\":[\"style\"],\"bob\":[\"tests\"]}",
                    brief.GetRawText(),
                    StringComparison.Ordinal
                )
        );
        Assert.All(await Statuses(tasks), status => Assert.Equal("completed", status));
    }

    private async Task<JsonElement[]> Apply(string name, JsonObject values)
    {
        await host.CallAsync("workflow_load", new { text = Workflow });
        var made = await host.CallAsync("ticket_create", new { title = "A ticket", workflow = "plain" });
        var ticket = made.GetProperty("ticket").Number("id");
        var answer = await host.CallAsync(
            "apply_pattern",
            new
            {
                ticket,
                name,
                values,
            }
        );
        return [.. answer.GetProperty("tasks").EnumerateArray()];
    }

    // An agent works on the next task that it is given, in a turn.
    private async Task<long> End(string name, string tool, object call, Action<JsonElement>? look = null)
    {
        var agent = agents[name];
        while (true)
        {
            var message = Assert.Single(await agent.Receive(max: 1, wait: 60));
            var given = JsonElement.Parse(message.Body);
            var turn = await agent.CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = "system" });
            var isTask = given.Text("event") == "task_assigned";
            if (isTask)
            {
                look?.Invoke((await agent.CallAsync("get_work")).GetProperty("brief"));
                await agent.CallAsync(tool, call);
            }

            await agent.CallAsync("end_turn", new { turn = turn.Number("turn"), result = "ok" });
            if (isTask)
                return given.Number("id");
        }
    }

    // The task that any agent may have.
    private async Task EndByAny(JsonElement task, Action<JsonElement> look)
    {
        string? name = null;
        await Patience.Until(
            async () => (name = (await Task(task)).Text("agent")) is not null,
            $"task {task.Number("id")} has no agent"
        );
        Assert.Equal(task.Number("id"), await End(name!, "complete_task", new { summary = "done" }, look));
    }

    private async Task<JsonElement> Task(JsonElement task) =>
        (await host.CallAsync("task", new { id = task.Number("id") })).GetProperty("task");

    private async Task<string[]> Statuses(JsonElement[] tasks) =>
        await System.Threading.Tasks.Task.WhenAll(tasks.Select(async t => (await Task(t)).Text("status")!));
}
