using System.Diagnostics;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>What a sandboxed agent can reach: the very arguments it is run with, with a shell in the harness's place.</summary>
public sealed class SandboxTests
{
    [Fact]
    public async Task An_agent_reaches_its_own_folders_and_nothing_else_of_hive()
    {
        await using var fleet = await Fleet.Start("sandbox");
        var (data, run) = (fleet.Hive.DataDir, fleet.Hive.RunDir);
        await fleet.Spawn("inner", "sandbox", start: false);
        await fleet.Spawn("other", "sandbox", start: false);
        foreach (var name in new[] { "inner", "other" })
        {
            foreach (var folder in new[] { "state", "home", "config" })
                File.WriteAllText(Path.Combine(data, "agents", name, folder, "note"), $"{folder} of {name}");
        }

        Assert.Equal("state of inner", await Shell(fleet, "inner", "cat /agents/inner/state/note"));
        Assert.Equal("home of inner", await Shell(fleet, "inner", "cat ~/note"));
        Assert.Equal("written", await Shell(fleet, "inner", "echo written > /agents/inner/state/new && cat /agents/inner/state/new"));
        Assert.Equal("shared", await Shell(fleet, "inner", "echo shared > /shared/x && cat /shared/x"));
        Assert.Equal("socket", await Shell(fleet, "inner", "test -S /run/hive/agent.sock && echo socket"));
        Assert.Equal("inner", await Shell(fleet, "inner", "ls /agents"));
        Assert.Equal("state", await Shell(fleet, "inner", "ls /agents/inner"));

        foreach (var path in new[]
        {
            "/agents/other/state/note", "/agents/other/home/note", "/agents/inner/config/note", "/home/agent/../other/note", "/shared/../agents/other/state/note",
            $"{data}/agents/other/state/note", $"{data}/agents/inner/home/note", $"{data}/hive.sqlite", $"{data}/access-token", $"{run}/agents/other/agent.sock", $"{run}/host.sock",
            "/proc/1/root" + data + "/access-token", "/etc/shadow",
        })
        {
            Assert.Equal("no", await Shell(fleet, "inner", $"test -e {path} && cat {path} || echo no"));
        }

        Assert.Equal("no", await Shell(fleet, "inner", "rm -f /run/hive/agent.sock && echo gone || echo no"));
        Assert.Equal("no", await Shell(fleet, "inner", "mv /run/hive /run/hive2 && echo gone || echo no"));
        Assert.Equal("no", await Shell(fleet, "inner", "(: > /run/hive/agent.yaml) && echo gone || echo no"));
        Assert.Equal("no", await Shell(fleet, "inner", "(: > /opt/hive/hive-agent) && echo gone || echo no"));
        Assert.Equal("no", await Shell(fleet, "inner", "(: > /usr/bin/env) && echo gone || echo no"));
        // Alone with its own processes, and nothing of the host's environment.
        Assert.Equal("1", await Shell(fleet, "inner", "set -- /proc/[0-9]*; [ $# -le 3 ] && echo 1"));
        Assert.Equal("no", await Shell(fleet, "inner", "env | grep -i -e token -e dotnet || echo no"));
        Assert.True(File.Exists(fleet.Hive.AgentSocket("inner")));
    }

    [Fact]
    public async Task The_manager_reaches_the_agents_configurations_and_notes_and_no_home()
    {
        await using var fleet = await Fleet.Start("sandbox");
        await fleet.Spawn("other", "sandbox", start: false);
        foreach (var folder in new[] { "state", "home", "config" })
            File.WriteAllText(Path.Combine(fleet.Hive.DataDir, "agents", "other", folder, "note"), folder);

        Assert.Equal("state", await Shell(fleet, "manager", "cat /agents/other/state/note"));
        Assert.Equal("config", await Shell(fleet, "manager", "cat /agents/other/config/note"));
        Assert.Equal("no", await Shell(fleet, "manager", "cat /agents/other/home/note || echo no"));
        Assert.Equal("agent.yaml", await Shell(fleet, "manager", "ls /applied/other"));
        var change = "cd /agents/other/config && echo '# changed' >> agent.yaml && git commit -qam change && git fetch -q /applied/other main && git log --format='%an %s' FETCH_HEAD..HEAD";
        Assert.Equal("manager change", await Shell(fleet, "manager", change));
        Assert.Equal("no", await Shell(fleet, "manager", "(: > /applied/other/agent.yaml) && echo gone || echo no"));
        // What it can write to it cannot put a link in the place of.
        foreach (var folder in new[] { "state", "config" })
        {
            Assert.Equal("no", await Shell(fleet, "manager", $"mv /agents/other/{folder} /agents/other/moved && ln -s /tmp /agents/other/{folder} && echo gone || echo no"));
            Assert.Equal("no", await Shell(fleet, "manager", $"rm -f /agents/other/{folder}/note; rmdir /agents/other/{folder} && echo gone || echo no"));
            Assert.Null(new DirectoryInfo(Path.Combine(fleet.Hive.DataDir, "agents", "other", folder)).LinkTarget);
        }

        Assert.Equal(["config", "home", "state"], Directory.EnumerateFileSystemEntries(Path.Combine(fleet.Hive.DataDir, "agents", "other")).Select(Path.GetFileName).Order());
    }

    private static async Task<string> Shell(Fleet fleet, string name, string script)
    {
        var services = fleet.Hive.Services;
        var agent = services.GetRequiredService<IRoster>().Require(name) with { Runtime = "sandbox" };
        var launch = services.GetServices<IRuntime>().Single(r => r.Name == "sandbox").Prepare(agent, "scripted");
        var harness = launch.Arguments.ToList().LastIndexOf("--");
        string[] arguments = [.. launch.Arguments.Take(harness + 1), "/bin/sh", "-c", script];
        var start = new ProcessStartInfo(arguments[0], arguments[1..]) { RedirectStandardOutput = true, RedirectStandardError = true, WorkingDirectory = launch.WorkingDirectory };
        start.Environment.Clear();
        foreach (var (key, value) in launch.Environment)
            start.Environment[key] = value;
        using var shell = Process.Start(start)!;
        var error = shell.StandardError.ReadToEndAsync();
        var output = await shell.StandardOutput.ReadToEndAsync();
        await shell.WaitForExitAsync();
        return output.Length > 0 ? output.Trim() : await error;
    }
}
