using System.Text.Json;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Claude Code outside of <c>/usr</c>, in the containers of agents.</summary>
public sealed class ClaudeInContainersTests
{
    /// <summary>Every place in every runtime; in the first ring one of each.</summary>
    public static TheoryData<string, string> PlacesAndRuntimes
    {
        get
        {
            var all = new TheoryData<string, string>();
            if (!Ring.IsLong)
            {
                all.Add("native", "sandbox");
                return all;
            }

            foreach (var place in ClaudePlaces.All)
            {
                foreach (var runtime in (string[])["sandbox", "nspawn", "podman"])
                    all.Add(place, runtime);
            }

            return all;
        }
    }

    [Theory(Timeout = 180_000), Sampled]
    [MemberData(nameof(PlacesAndRuntimes))]
    public async Task A_first_message_is_answered_by_Claude_Code_from_a_home(string place, string runtime)
    {
        using var home = new ClaudePlaces();
        home.Install(place, TestClients.ClaudeCode());
        using var model = await ModelStandIn.StartAsync(
            "anthropic",
            new { tool = "send", input = new { to = "operator", body = "I am here" } },
            new { text = "done" }
        );
        await using var fleet = await Fleet.StartWithPath(runtime, home.Path);
        var events = await fleet.Hive.Events();
        fleet.Configure(
            "alice",
            $$"""
            driver: claude
            network: host
            environment:
              ANTHROPIC_BASE_URL: "{{model.Address}}"
              ANTHROPIC_API_KEY: sk-ant-of-nobody
              CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1"
            """
        );
        await fleet.Spawn("alice", runtime);
        await fleet.Do("send", new { to = "alice", body = "are you there?" });

        Assert.Contains("> are you there?", (await model.RequestAsync()).GetRawText(), StringComparison.Ordinal);
        while (true)
        {
            var sent = (await events.Next("sent")).GetRawText();
            if (sent.Contains("I am here", StringComparison.Ordinal))
                break;
        }
    }

    [Theory, Sampled]
    [MemberData(nameof(Fleet.SampledIsolating), MemberType = typeof(Fleet))]
    public async Task An_agent_sees_the_program_alone_and_cannot_change_it(string runtime)
    {
        using var home = new ClaudePlaces();
        home.Install("native", "/bin/cat");
        await using var fleet = await Fleet.StartWithPath(runtime, home.Path);
        await fleet.Spawn("inner", runtime, start: false);
        WriteLaunchers(fleet, runtime, "claude");
        (string Script, string Expected)[] checks =
        [
            ("echo it works | claude -", "it works"),
            ("ls -A /opt/programs", "claude"),
            ("ls -A /run/hive/bin", "claude"),
            ("(: > /opt/programs/claude) 2> /dev/null && echo gone || echo no", "no"),
            ("rm -f /opt/programs/claude 2> /dev/null && echo gone || echo no", "no"),
            ("(: > /run/hive/bin/claude) 2> /dev/null && echo gone || echo no", "no"),
            ($"test -e {home.Home} && echo seen || echo no", "no"),
        ];
        Assert.Equal(
            checks.Select(c => $"{c.Script}: {c.Expected}"),
            await IsolationTests.Inside(fleet, "inner", runtime, [.. checks.Select(c => c.Script)], "claude")
        );
        // Agents with other drivers have nothing of it.
        WriteLaunchers(fleet, runtime, "scripted");
        const string Nothing = "ls -d /opt/programs /run/hive/bin 2> /dev/null; echo none";
        Assert.Equal([$"{Nothing}: none"], await IsolationTests.Inside(fleet, "inner", runtime, [Nothing]));
    }

    [Theory, Sampled]
    [InlineData("sandbox")]
    [InlineData("nspawn")]
    public async Task A_script_runs_with_its_package_and_the_Node_of_the_user(string runtime)
    {
        using var home = new ClaudePlaces();
        home.InstallScript("nvm");
        home.PlaceNode("nvm", "/usr/bin/node");
        await using var fleet = await Fleet.StartWithPath(runtime, home.Path);
        await fleet.Spawn("inner", runtime, start: false);
        WriteLaunchers(fleet, runtime, "claude");
        (string Script, string Expected)[] checks =
        [
            ("claude 'a b' c", "2.1.9 (Claude Code) a b|c --no-warnings"),
            ("ls -A /opt/programs | tr '\\n' ' '", "claude-code node"),
        ];
        Assert.Equal(
            checks.Select(c => $"{c.Script}: {c.Expected}"),
            await IsolationTests.Inside(fleet, "inner", runtime, [.. checks.Select(c => c.Script)], "claude")
        );
    }

    [Fact]
    public async Task Doctor_names_the_runtimes_whose_agents_lack_the_program()
    {
        using var home = new ClaudePlaces();
        var link = home.Install("native", "/bin/cat");
        await using var fleet = await Fleet.StartWithPath("sandbox", home.Path);
        File.Delete(link);
        File.WriteAllText(link, "#!/bin/sh\necho '2.1.330 (Claude Code)'\n");
        ClaudePlaces.MakeExecutable(link);

        var found = await DoctorAsync(fleet);

        Assert.Equal(
            $"2.1.330 (Claude Code); {link}; each agent that runs it logs in on its own page",
            found["claude"].Text
        );
        Assert.Equal(FindingState.Absent, found["claude on sandbox"].State);
        Assert.Contains("outside of an npm package", found["claude on sandbox"].Text, StringComparison.Ordinal);
        Assert.StartsWith("Put the program itself", found["claude on sandbox"].Advice, StringComparison.Ordinal);
        Assert.DoesNotContain("claude on process", found.Keys);

        File.Delete(link);
        home.InstallScript("prefix");
        File.CreateSymbolicLink(link, Path.Combine(home.Searched, "claude"));

        found = await DoctorAsync(fleet);

        Assert.StartsWith($"2.1.9 (Claude Code)", found["claude"].Text, StringComparison.Ordinal);
        Assert.DoesNotContain("claude on sandbox", found.Keys);
    }

    private static async Task<Dictionary<string, Finding>> DoctorAsync(Fleet fleet)
    {
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        return (await host.CallAsync("doctor"))
            .Deserialize<Diagnosis>(WireJson.Options)!
            .Findings.Where(f => f.Topic == "programs")
            .ToDictionary(f => f.Name);
    }

    // As the start of an agent does.
    private static void WriteLaunchers(Fleet fleet, string runtime, string driver)
    {
        var services = fleet.Hive.Services;
        var agent = services.GetRequiredService<IRoster>().Require("inner") with { Runtime = runtime };
        services.GetRequiredService<Blueprints>().WriteLaunchers(agent, driver);
    }
}
