using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL to the host while tasks hold locks, wait for them, and ask for them.</summary>
public sealed class KilledLocksTests
{
    private const string Workflow = """
        name: small
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_DONE]
            gate: { criteria: [{ tasks_complete: true }] }
          - id: PHASE_DONE
            name: Done
            terminal: true
        board_columns:
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    [Fact]
    public async Task Locks_places_and_held_tasks_are_there_after_the_host_was_killed()
    {
        await using var host = await ChildHost.Start();
        string[] agents = ["alice", "bob", "carol"];
        using (var line = await host.Operator())
        {
            foreach (var name in agents)
            {
                var folder = Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", name)).FullName;
                await File.WriteAllTextAsync(Path.Combine(folder, "agent.yaml"), "duty: worker\n");
                await line.CallAsync("spawn", new { name, runtime = "external" });
            }

            await line.CallAsync("workflow_load", new { text = Workflow });
            await line.CallAsync(
                "ticket_create",
                new
                {
                    title = "Locked",
                    workflow = "small",
                    tasks = new[] { Job("alice"), Job("bob"), Job("carol", "repo:shop") },
                }
            );
        }

        var alice = await host.Connect("alice");
        await Receive(alice, "task_assigned");
        await alice.CallAsync("lock", new { action = "acquire", resource = "repo:shop" });
        var bob = await host.Connect("bob");
        await Receive(bob, "task_assigned");
        var queued = await bob.CallAsync(
            "lock",
            new
            {
                action = "acquire",
                resource = "repo:shop",
                notify = true,
            }
        );
        Assert.Equal(1, queued.Number("position"));
        var carol = await host.Connect("carol");
        using (var line = await host.Operator())
            await Held(line);
        // Calls under way when the host dies: each is stored or not, and none half.
        var calls = Enumerable
            .Range(0, 50)
            .Select(async i =>
            {
                using var own = await host.Connect("alice");
                await own.CallAsync("lock", new { action = "acquire", resource = $"file:{i}" });
            })
            .ToArray();
        await Task.WhenAny(calls);
        await host.Kill();
        foreach (var call in calls)
            await call.ContinueWith(_ => { }, TaskScheduler.Default);
        foreach (var line in new[] { alice, bob, carol })
            line.Dispose();
        LegalRows.CheckAll(host.DataDir);

        await host.Run();
        using var operators = await host.Operator();
        Assert.Equal(["alice granted", "bob waiting"], await Shop(operators));
        await Held(operators);
        using var after = await host.Connect("alice");
        using var bobs = await host.Connect("bob");
        using var carols = await host.Connect("carol");
        await after.CallAsync("complete_task", new { summary = "done" });
        await Receive(bobs, "lock_granted");
        await bobs.CallAsync("complete_task", new { summary = "done" });
        await Receive(carols, "task_assigned");
        Assert.Equal(["carol granted"], await Shop(operators));
        await carols.CallAsync("complete_task", new { summary = "done" });
        Assert.Empty((await operators.CallAsync("locks")).GetProperty("locks").EnumerateArray());
        LegalRows.CheckAll(host.DataDir);
    }

    private static object Job(string agent, params string[] locks) =>
        new
        {
            task_type = "implement_feature",
            title = agent,
            agent,
            locks,
        };

    private static async Task<string[]> Shop(LineClient line) =>
        [
            .. (await line.CallAsync("locks"))
                .GetProperty("locks")
                .EnumerateArray()
                .Where(row => row.Text("resource_id") == "shop")
                .Select(row => $"{row.Text("agent")} {row.Text("status")}"),
        ];

    // Carol's task, which declares what alice has.
    private static Task Held(LineClient line) =>
        Patience.Until(
            async () =>
                (await line.CallAsync("tasks", new { status = "pending" }))
                    .GetProperty("tasks")
                    .EnumerateArray()
                    .SelectMany(task => task.Holds())
                    .SequenceEqual(["lock"]),
            "a task is held for a lock"
        );

    private static async Task Receive(LineClient line, string kind)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            Assert.False(patience.IsCancellationRequested, $"no message {kind} has come");
            foreach (
                var message in (await line.CallAsync("recv", new { wait_seconds = 10 }))
                    .GetProperty("messages")
                    .EnumerateArray()
            )
            {
                await line.CallAsync("ack", new { ids = new[] { message.Number("id") } });
                if (
                    message.Text("body") is { } body
                    && body.StartsWith('{')
                    && JsonElement.Parse(body).Text("event") == kind
                )
                    return;
            }
        }
    }
}
