using System.Text.Json;
using Dapper;
using Hive.Common.Linux;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Crash;

/// <summary>SIGKILL to an agent and to the host in the middle of the work on tickets, with real agents.</summary>
public sealed class KilledTicketsTests
{
    private const int Tickets = 4;

    private const string Workflow = """
        name: small
        phases:
          - id: PHASE_BUILD
            name: Build
            status: building
            allowed_transitions: [PHASE_TEST]
            next: PHASE_TEST
            tasks:
              - type: build
                title: "Build: {ticket_title}"
                capabilities: [building]
            gate:
              criteria:
                - tasks_complete: true
                - artifact: code
                  min_length: 5
          - id: PHASE_TEST
            name: Test
            status: testing
            allowed_transitions: [PHASE_DONE]
            next: PHASE_DONE
            tasks:
              - type: test
                title: "Test: {ticket_title}"
                capabilities: [testing]
            gate:
              criteria:
                - tasks_complete: true
                - artifact: test_results
                  flag: all_passed
          - id: PHASE_DONE
            name: Done
            status: done
            terminal: true
        board_columns:
          - { id: build, name: Build, phase_mapping: [PHASE_BUILD] }
          - { id: test, name: Test, phase_mapping: [PHASE_TEST], wip_limit: 1 }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    // Each says that it has begun, waits until the test lets it go on, and completes its task.
    private static readonly (string Agent, string Capability, string Artifact)[] Workers =
    [
        ("builder", "building", """{ type: code, path: "{{state_dir}}/{{ticket}}.txt" }"""),
        ("tester", "testing", "{ type: test_results, content: { all_passed: true } }"),
    ];

    [Fact]
    public async Task All_tickets_are_done_and_no_task_is_given_twice_when_agent_and_host_are_killed()
    {
        await using var host = await ChildHost.Start("process");
        foreach (var (agent, capability, artifact) in Workers)
            Configure(host, agent, capability, artifact);
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = "watcher", runtime = "external" });
            await line.CallAsync("workflow_load", new { text = Workflow });
            foreach (var (agent, _, _) in Workers)
                await line.CallAsync("spawn", new { name = agent });
            await line.CallAsync("tickets_load", new { text = TicketsYaml() });
        }

        List<string> said = [];
        var watcher = await host.Connect("watcher");
        var first = await Next(watcher, said);
        Fleet.Signal(Fleet.PidIn(host.DataDir, "builder"), LinuxProcess.SigKill);
        // It is started again, and its task is still its own: the same run begins a second time.
        Assert.Equal(first, await Next(watcher, said));

        await host.Kill();
        watcher.Dispose();
        // The agents go on without their host.
        await File.WriteAllTextAsync(
            Path.Combine(host.DataDir, "shared", "go"),
            "",
            TestContext.Current.CancellationToken
        );
        await host.Run();
        using var after = await host.Connect("watcher");
        using var operators = await host.Operator();
        using var patience = new CancellationTokenSource(TimeSpan.FromMinutes(2));
        await after.CallAsync("requeue_inflight");
        while (said.Count(text => text.StartsWith("done", StringComparison.Ordinal)) < 2 * Tickets)
        {
            Assert.False(patience.IsCancellationRequested, string.Join(", ", said));
            await Next(after, said);
        }

        await Patience.Until(
            async () => (await Cards(operators)).All(card => card.Text("status") == "done"),
            "all tickets are done"
        );

        LegalRows.CheckAll(host.DataDir);
        var runs = LegalRows.In(
            host.DataDir,
            db => db.Query<(long Task, long Run, string End)>("SELECT task, id, end FROM runs ORDER BY id").ToArray()
        );
        // No card lost: two tasks each, each of them in one run.
        Assert.Equal(2 * Tickets, runs.Length);
        Assert.Equal(2 * Tickets, runs.Select(run => run.Task).Distinct().Count());
        Assert.All(runs, run => Assert.Equal("completed", run.End));
        // None worked on twice, but for the one whose agent was killed.
        Assert.Equal(
            runs.Select(run => $"begun {run.Task} {run.Run}").Append(first).Order(StringComparer.Ordinal),
            said.Where(text => text.StartsWith("begun", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        );
        Assert.Equal(
            runs.Select(run => $"done {run.Task} {run.Run}").Order(StringComparer.Ordinal),
            said.Where(text => text.StartsWith("done", StringComparison.Ordinal)).Order(StringComparer.Ordinal)
        );
    }

    private static void Configure(ChildHost host, string agent, string capability, string artifact)
    {
        var applied = Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", agent)).FullName;
        File.WriteAllText(
            Path.Combine(applied, "agent.yaml"),
            $"driver: scripted\nscript: script.yaml\nduty: worker\ncapabilities: [{capability}]\n"
        );
        File.WriteAllText(
            Path.Combine(applied, "script.yaml"),
            $$$"""
            rules:
              - match: { event: task_assigned }
                do:
                  - send: { to: watcher, body: "begun {{task_id}} {{run}}" }
                  - run: "until [ -e ../../../shared/go ]; do sleep 0.05; done"
                  - write_file: { path: "{{ticket}}.txt", content: "built {{title}}\n" }
                  - call:
                      cmd: complete_task
                      task: "{{task_id}}"
                      summary: "done"
                      artifacts: [ {{{artifact}}} ]
                      key: "{{task_id}}-{{run}}"
                  - send: { to: watcher, body: "done {{task_id}} {{run}}", key: "{{task_id}}-{{run}}-done" }
            """
        );
    }

    private static string TicketsYaml() =>
        "tickets:\n"
        + string.Concat(Enumerable.Range(1, Tickets).Select(i => $"  - {{ title: T{i}, workflow: small }}\n"));

    private static async Task<string> Next(LineClient watcher, List<string> said)
    {
        var message = Assert.Single(await watcher.Receive(max: 1, wait: 60));
        await watcher.CallAsync("ack", new { ids = new[] { message.Id } });
        said.Add(message.Body);
        return message.Body;
    }

    private static async Task<JsonElement[]> Cards(LineClient operators) =>
        [.. (await operators.CallAsync("tickets")).GetProperty("tickets").EnumerateArray()];
}
