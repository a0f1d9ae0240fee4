using System.Globalization;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Approvals;

namespace Hive.Tests.Cli;

/// <summary>The verbs that request, approve and deny.</summary>
public sealed class ApprovalVerbTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task A_request_is_shown_approved_and_carried_out()
    {
        var asked = await hive.RunAsync(
            "request-spawn",
            "newcomer",
            "--runtime",
            "external",
            "-d",
            "to read\u001b[2J logs"
        );
        Assert.Equal(0, asked.ExitCode);
        var id = Id(asked.Output);
        Assert.Equal($"approval {id} waits for a decision: hive approve {id}, or hive deny {id}\n", asked.Output);
        var lines = Ok(await hive.RunAsync("pending")).Lines;
        Assert.StartsWith("ID", lines[0], StringComparison.Ordinal);
        Assert.Contains(
            lines,
            line =>
                System.Text.RegularExpressions.Regex.IsMatch(
                    line,
                    $"^{id} +spawn +newcomer +[^ ].* operator +to read␛\\[2J logs$"
                )
        );
        var whole = Ok(await hive.RunAsync("pending", $"{id}")).Lines;
        Assert.Equal($"approval {id}: spawn newcomer", whole[0]);

        Assert.Equal(
            $"approval {id} is approved: newcomer exists\n",
            Ok(await hive.RunAsync("approve", $"{id}")).Output
        );

        Assert.Contains("newcomer", Ok(await hive.RunAsync("list")).Lines);
        var late = await hive.RunAsync("approve", $"{id}");
        Assert.Equal((1, ""), (late.ExitCode, late.Output));
        Assert.Contains("was approved at", late.Error, StringComparison.Ordinal);
        var all = JsonDocument
            .Parse(Ok(await hive.RunAsync("pending", "--all", "--json")).Output)
            .RootElement.Approvals();
        Assert.Equal("approved", all.Single(a => a.Id == id).Status);
        Assert.Contains(
            Ok(await hive.RunAsync("pending", "--all")).Lines,
            line =>
                line.StartsWith($"{id} ", StringComparison.Ordinal)
                && line.Contains("approved", StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task A_denied_request_keeps_the_reason()
    {
        var id = Id(Ok(await hive.RunAsync("request-spawn", "unwanted")).Output);
        Assert.Equal($"approval {id} is denied\n", Ok(await hive.RunAsync("deny", $"{id}", "not", "now")).Output);
        var document = JsonDocument
            .Parse(Ok(await hive.RunAsync("pending", $"{id}", "--json")).Output)
            .RootElement.GetProperty("approvals")[0];
        Assert.Equal(
            ("denied", "not now"),
            (
                document.GetProperty("approval").GetProperty("status").GetString(),
                document.GetProperty("approval").GetProperty("note").GetString()
            )
        );
        id = Id(Ok(await hive.RunAsync("request-spawn", "unwanted", "--json")).Output);
        Ok(await hive.RunWithInputAsync("from a pipe\n", "deny", $"{id}", "-", "--json"));
        Assert.Contains("from a pipe", Ok(await hive.RunAsync("pending", $"{id}")).Output, StringComparison.Ordinal);
        foreach (
            var (code, arguments) in new (int, string[])[]
            {
                (1, ["approve", "4711"]),
                (1, ["deny", "4711"]),
                (1, ["pending", "4711"]),
                (2, ["approve", "one"]),
                (2, ["approve"]),
                (2, ["deny"]),
                (1, ["request-spawn", "UPPER"]),
                (1, ["request-spawn", "manager"]),
            }
        )
        {
            var outcome = await hive.RunAsync(arguments);
            Assert.Equal((code, ""), (outcome.ExitCode, outcome.Output));
        }
    }

    [Fact]
    public async Task A_proposal_is_shown_with_its_changes_and_approve_reports_the_result()
    {
        Ok(await hive.RunAsync("spawn", "worker", "--runtime", "external"));
        var worker = new Proposing(hive.DataDir, "worker");
        using var manager = await hive.AgentAsync("manager");
        var start = worker.Git("rev-parse", "HEAD");
        var sha = worker.Commit(("agent.yaml", "model: other\n"), ("odd.md", "see\u001b[2J this\r\n\tthat\n"));
        var id = await manager.RequestApplyCommit("worker", sha, "another model");
        worker.Git("reset", "-q", "--hard", start);
        var second = await manager.RequestApplyCommit("worker", worker.Commit(("agent.yaml", "model: third\n")));

        var shown = Ok(await hive.RunAsync("pending", $"{id}"));
        Assert.Equal(
            [$"approval {id}: apply_commit worker {sha[..12]}", "  another model", "modified: agent.yaml"],
            [shown.Lines[0], shown.Lines[2], shown.Lines[3]]
        );
        Assert.Contains("\n+model: other\n", shown.Output, StringComparison.Ordinal);
        Assert.Contains("\nadded: odd.md", shown.Output, StringComparison.Ordinal);
        Assert.Contains("\n+see␛[2J this\n+\tthat\n", shown.Output, StringComparison.Ordinal);
        Assert.DoesNotContain('\u001b', shown.Output);
        var both = Ok(await hive.RunAsync("pending", "--diff")).Output;
        Assert.Contains($"approval {id}: ", both, StringComparison.Ordinal);
        Assert.Contains("+model: third", both, StringComparison.Ordinal);
        var diff = JsonDocument
            .Parse(Ok(await hive.RunAsync("pending", $"{id}", "--json", "--base", "approved")).Output)
            .RootElement.GetProperty("approvals")[0]
            .GetProperty("diff")
            .Deserialize<ApprovalDiff>(WireJson.Options)!;
        Assert.Equal(("approved", 2), (diff.Base, diff.Files.Count));
        Assert.Equal(1, (await hive.RunAsync("pending", $"{id}", "--base", "nothing")).ExitCode);

        Assert.Equal(
            $"approval {id} is approved: {sha[..12]} is deployed for worker\n",
            Ok(await hive.RunAsync("approve", $"{id}")).Output
        );
        Assert.Contains(
            "It matches what is deployed.",
            Ok(await hive.RunAsync("pending", $"{id}")).Output,
            StringComparison.Ordinal
        );
        var failed = await hive.RunAsync("approve", $"{second}");
        Assert.Equal((1, ""), (failed.ExitCode, failed.Output));
        Assert.Contains($"approval {second} failed: ", failed.Error, StringComparison.Ordinal);
        Assert.Contains("rebase", failed.Error, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Approve_with_no_wait_returns_at_once()
    {
        var id = Id(Ok(await hive.RunAsync("request-spawn", "later", "--runtime", "external")).Output);
        Assert.Equal(
            $"approval {id} is approved and building\n",
            Ok(await hive.RunAsync("approve", $"{id}", "--no-wait")).Output
        );
        using var host = await LineClient.ConnectAsync(Path.Combine(hive.RunDir, "host.sock"));
        Assert.Equal("approved", (await host.End(id)).Status);
    }

    private static Outcome Ok(Outcome outcome)
    {
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        return outcome;
    }

    private static long Id(string output) =>
        long.Parse(
            string.Concat(output.SkipWhile(c => !char.IsAsciiDigit(c)).TakeWhile(char.IsAsciiDigit)),
            CultureInfo.InvariantCulture
        );
}
