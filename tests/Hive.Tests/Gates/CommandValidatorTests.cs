using System.Text.RegularExpressions;
using Hive.Tests.Agents;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Gates;

/// <summary>A test suite as a validator: the script of docs/worker.md, run by a real harness in a process of its
/// own.</summary>
public sealed partial class CommandValidatorTests
{
    private const string Keys = """
        tasks:
          - type: implement_feature
            title: "Implement: {ticket_title}"
            review: validator
        gate:
          criteria:
            - tasks_complete: true
        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact]
    public async Task A_script_that_tests_each_commit_judges_the_work()
    {
        await using var fleet = await Fleet.Start("process");
        var host = await fleet.Hive.Operator();
        await host.CallAsync("workflow_load", new { text = ReviewRig.Yaml(Keys) });
        fleet.Configure(
            "suite",
            $"""
            driver: command
            command: [python3, check.py]
            duty: validator
            environment:
              SHARED: {fleet.Hive.DataDir}/shared
            """
        );
        var state = Directory.CreateDirectory($"{fleet.Hive.DataDir}/agents/suite/state").FullName;
        await File.WriteAllTextAsync($"{state}/check.py", Script(), Ct);
        await fleet.Spawn("suite", "process");
        await fleet.Hive.SpawnAs("alice", "duty: worker\n");
        var alice = await fleet.Hive.Connect("alice");
        await alice.CallAsync("status");

        var shop = Directory.CreateDirectory($"{fleet.Hive.DataDir}/shared/shop").FullName;
        Git.Repositories.AsSomebody(shop, "init", "-q", "-b", "main");
        var made = await host.CallAsync("ticket_create", new { title = "Add", workflow = "checked" });
        var ticket = made.GetProperty("ticket").Number("id");
        await Implement("echo the sum is wrong >&2; exit 1");
        var review = (await Told("task_rejected")).Text("feedback");
        Assert.Contains("suite: the tests fail", review, StringComparison.Ordinal);
        Assert.Contains("the sum is wrong", review, StringComparison.Ordinal);
        await Implement("echo 3 tests passed");
        await Patience.Until(
            async () =>
                (await host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket").Text("phase_id")
                == "PHASE_END",
            "the ticket ends"
        );
        var reviews = (await host.CallAsync("reviews", new { ticket })).GetProperty("reviews").EnumerateArray();
        Assert.Equal(
            [("suite", "passed"), ("suite", "failed")],
            reviews.Select(r => (r.Text("reviewer")!, r.Text("verdict")!))
        );

        async Task Implement(string test)
        {
            var task = await Told("task_assigned");
            var commit = ReviewRig.Commit(shop, test, "test.sh");
            await alice.CallAsync(
                "complete_task",
                new
                {
                    task = task.Number("id"),
                    summary = "done",
                    artifacts = new[] { ReviewRig.Changes(commit, "/shared/shop") },
                }
            );
        }

        async Task<System.Text.Json.JsonElement> Told(string kind)
        {
            var message = Assert.Single(await alice.Receive(max: 1, wait: 180));
            await alice.CallAsync("ack", new { ids = new[] { message.Id } });
            var body = System.Text.Json.JsonElement.Parse(message.Body);
            Assert.Equal(kind, body.Text("event"));
            return body;
        }
    }

    private static string Script()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Hive.sln")))
            folder = folder.Parent;
        return PythonCode().Match(File.ReadAllText(Path.Combine(folder.FullName, "docs", "worker.md"))).Groups[1].Value;
    }

    [GeneratedRegex("```python\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex PythonCode();
}
