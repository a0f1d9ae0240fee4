using System.Text.Json;
using Xunit;
using static Hive.Tests.Cli.Outcomes;

namespace Hive.Tests.Cli;

/// <summary>Verbs about the host and its agents.</summary>
public sealed class VerbTests(RunningHive hive) : IClassFixture<RunningHive>
{
    [Fact]
    public async Task Spawn_makes_an_agent_that_list_and_status_show()
    {
        Ok(await hive.RunAsync("spawn", "shown", "--runtime", "external"), "shown exists");

        Assert.Contains("shown", Ok(await hive.RunAsync("list")).Lines);
        var listed = Document(await hive.RunAsync("list", "--json"));
        Assert.Contains("shown", listed.GetProperty("agents").EnumerateArray().Select(n => n.GetString()));

        var lines = Ok(await hive.RunAsync("status", "shown")).Lines;
        Assert.Equal(2, lines.Length);
        Assert.StartsWith("AGENT", lines[0], StringComparison.Ordinal);
        Assert.Matches("^shown +not connected .*0 +0 +external", lines[1]);
        Assert.DoesNotContain('\u001b', lines[1]);

        var row = Assert.Single(
            Document(await hive.RunAsync("status", "shown", "--json")).GetProperty("agent_statuses").EnumerateArray()
        );
        Assert.Equal("shown", row.GetProperty("name").GetString());
        Assert.False(row.GetProperty("running").GetBoolean());
    }

    [Fact]
    public async Task Help_is_found_behind_the_folder_of_the_sockets()
    {
        var usual = Ok(await Built.HiveAsync(["help", "ticket"])).Output;
        Assert.Contains("Usage:", usual, StringComparison.Ordinal);
        Assert.Equal(usual, Ok(await Built.HiveAsync(["--run-dir", hive.RunDir, "help", "ticket"])).Output);
        Assert.Equal(usual, Ok(await Built.HiveAsync([$"--run-dir={hive.RunDir}", "help", "ticket"])).Output);
        var all = Ok(await Built.HiveAsync(["help"])).Output;
        Assert.Equal(all, Ok(await Built.HiveAsync(["--run-dir", hive.RunDir])).Output);
    }

    [Theory]
    [InlineData("gate")]
    [InlineData("ticket")]
    [InlineData("task")]
    public async Task An_id_in_place_of_a_verb_suggests_the_verb_that_shows_it(string group)
    {
        var refused = await hive.RunAsync(group, "16");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains(
            $"unknown verb '16'; did you mean hive {group} show 16?",
            refused.Error,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task New_makes_an_agent_with_a_role_from_a_file()
    {
        var role = Path.Combine(Path.GetDirectoryName(hive.DataDir)!, "role.md");
        await File.WriteAllTextAsync(role, "Be brief.\n");
        Ok(
            await hive.RunAsync("new", "made", "--driver", "scripted", "--role", $"@{role}", "-m", "hello"),
            "made exists (process)"
        );

        Assert.Equal(
            "Be brief.\n",
            await File.ReadAllTextAsync(Path.Combine(hive.DataDir, "applied", "made", "role.md"))
        );
        var missing = await hive.RunAsync("new", "other", "--role", "@/nowhere");
        Assert.Equal(2, missing.ExitCode);
        Assert.Contains("--role: /nowhere cannot be read", missing.Error, StringComparison.Ordinal);
        Assert.Equal(1, (await hive.RunAsync("new", "other", "--driver", "command")).ExitCode);
        Ok(await hive.RunAsync("new", "bare"), "An agent that needs no other program: hive new NAME --driver scripted");
        Ok(await hive.RunAsync("destroy", "bare", "--purge", "--yes"));
        Ok(await hive.RunAsync("destroy", "made", "--purge", "--yes"));
    }

    [Fact]
    public async Task An_agent_that_cannot_work_is_reported_by_every_verb_and_keeps_its_messages()
    {
        var spawned = Ok(
            await hive.RunAsync("spawn", "idler"),
            "idler cannot work yet: script.yaml for the driver scripted is missing"
        );
        Assert.Contains("to the agent's configuration", spawned.Output, StringComparison.Ordinal);
        Ok(
            await hive.RunAsync("send", "idler", "hello there"),
            "idler cannot work yet, and the message waits: script.yaml for the driver"
        );
        Assert.Contains(
            "hello there",
            Ok(await hive.RunAsync("inbox", "idler"), "unread").Output,
            StringComparison.Ordinal
        );
        Assert.Contains("no driver", Ok(await hive.RunAsync("status", "idler")).Output, StringComparison.Ordinal);
        var examined = await hive.RunAsync("doctor", "--json");
        Assert.Contains(
            JsonElement.Parse(Assert.Single(examined.Lines)).GetProperty("findings").EnumerateArray(),
            f => f.GetProperty("topic").GetString() == "agents" && f.GetProperty("name").GetString() == "idler"
        );
        Ok(await hive.RunAsync("destroy", "idler", "--purge", "--yes"));
    }

    [Fact]
    public async Task A_refusal_exits_with_1_and_the_hosts_reason_on_standard_error()
    {
        foreach (
            var (says, arguments) in new (string, string[])[]
            {
                ("UPPER", ["spawn", "UPPER"]),
                ("manager", ["spawn", "manager"]),
                ("nobody", ["start", "nobody"]),
                ("nobody", ["stop", "nobody"]),
                ("nobody", ["restart", "nobody"]),
                ("nobody", ["kill", "nobody"]),
                ("nobody", ["pause", "nobody"]),
                ("nobody", ["resume", "nobody"]),
                ("nobody", ["destroy", "nobody"]),
                ("nobody", ["rebuild", "nobody"]),
                ("nobody", ["purge", "nobody", "--yes"]),
                ("nobody", ["logs", "nobody"]),
                ("nobody", ["logs", "nobody", "-f"]),
                ("nobody", ["send", "nobody", "hello"]),
                ("nobody", ["status", "nobody"]),
            }
        )
        {
            var outcome = await hive.RunAsync(arguments);
            Assert.True(outcome.ExitCode == 1, $"{string.Join(' ', arguments)}: {outcome}");
            Assert.Empty(outcome.Output);
            Assert.Contains(says, outcome.Error, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task Start_stop_restart_kill_and_logs_work_on_a_real_process()
    {
        Ok(await hive.RunAsync("spawn", "runner"));
        Assert.Equal("running", await StateAsync("runner"));

        Ok(await hive.RunAsync("stop", "runner"));
        Assert.Equal("stopped", await StateAsync("runner"));
        Ok(await hive.RunAsync("start", "runner"));
        Ok(await hive.RunAsync("restart", "runner"));
        Assert.Equal("running", await StateAsync("runner"));
        Ok(await hive.RunAsync("kill", "runner"));
        Assert.NotEqual("running", await StateAsync("runner"));

        Assert.NotEmpty(Ok(await hive.RunAsync("logs", "runner")).Lines);
        Assert.Single(Ok(await hive.RunAsync("logs", "runner", "-n", "1")).Lines);
        Assert.NotEqual(
            0,
            Document(await hive.RunAsync("logs", "runner", "--json")).GetProperty("lines").GetArrayLength()
        );
    }

    [Fact]
    public async Task Logs_follow_prints_one_JSON_line_per_row()
    {
        Ok(await hive.RunAsync("spawn", "chatty"));
        using var follower = Built.Start(
            Built.Command,
            ["logs", "chatty", "-f", "-n", "0", "--json", "--run-dir", hive.RunDir]
        );
        Ok(await hive.RunAsync("restart", "chatty"));

        var line = await follower.StandardOutput.ReadLineAsync();
        Assert.Equal(JsonValueKind.String, JsonDocument.Parse(line!).RootElement.GetProperty("line").ValueKind);

        follower.Kill();
        await follower.WaitForExitAsync();
    }

    [Fact]
    public async Task Destroy_removes_an_agent_and_purge_needs_yes()
    {
        Ok(await hive.RunAsync("spawn", "gone", "--runtime", "external", "--no-start"));
        var asked = await hive.RunAsync("destroy", "gone", "--purge");
        Assert.Equal(2, asked.ExitCode);
        Assert.Contains("gone", Ok(await hive.RunAsync("list")).Lines);

        Ok(await hive.RunAsync("destroy", "gone", "--purge", "--yes"), "gone");

        Assert.DoesNotContain("gone", Ok(await hive.RunAsync("list")).Lines);
    }

    [Fact]
    public async Task Open_prints_a_new_link_alone_on_its_line()
    {
        var first = Assert.Single(Ok(await hive.RunAsync("open")).Lines);
        var second = Document(await hive.RunAsync("open", "--json")).GetProperty("url").GetString();

        Assert.StartsWith("http://", first, StringComparison.Ordinal);
        Assert.NotEqual(first, second);
    }

    [Fact]
    public async Task Version_prints_the_hosts_too()
    {
        var version = Document(await hive.RunAsync("version", "--json"));

        var own = version.GetProperty("hive_version").GetString()!;
        Assert.StartsWith(
            $"{own}+",
            version.GetProperty("host").GetProperty("hive_version").GetString(),
            StringComparison.Ordinal
        );
        Assert.Matches(@"^\d+\.\d+", version.GetProperty("host").GetProperty("sqlite_version").GetString()!);
    }

    private async Task<string> StateAsync(string agent)
    {
        var row = Document(await hive.RunAsync("status", agent, "--json")).GetProperty("agent_statuses")[0];
        return row.GetProperty("running").GetBoolean() ? "running"
            : row.GetProperty("failed").GetBoolean() ? "failed"
            : "stopped";
    }
}
