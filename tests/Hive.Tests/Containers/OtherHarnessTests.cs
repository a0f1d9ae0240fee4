using System.Text.Json;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Tests.Cli;
using Hive.Tests.Crash;
using Hive.Tests.Fixture;

namespace Hive.Tests.Containers;

/// <summary>Tests a host of the same version with another harness.</summary>
public sealed class OtherHarnessTests
{
    [Fact, Long]
    public async Task Agents_of_another_harness_need_an_update_and_get_it_with_AutoUpdate()
    {
        await using var host = await ChildHost.Start("process");
        using (var line = await host.Operator())
            await line.CallAsync("spawn", new { name = "worker", runtime = "process" });
        var pid = Fleet.PidIn(host.DataDir, "worker");
        var version = await Version(host);
        Assert.Matches("^0\\.1\\.0\\+[0-9a-f]{12}$", version);
        await host.Kill();
        await host.Run();
        Assert.Equal(version, await Version(host));
        Assert.False((await Row(host)).NeedsUpdate);
        await host.Kill();

        var other = Path.Combine(host.Folder, "other");
        Copy(Path.GetDirectoryName(Built.Host)!, other);
        Directory.CreateDirectory(Path.Combine(other, "agent"));
        var harness = Path.Combine(other, "agent", HarnessBinary.FileName);
        File.Copy(HarnessBinary.Path, harness);
        await using (var changed = new FileStream(harness, FileMode.Append))
            changed.WriteByte(0);
        File.SetLastWriteTimeUtc(harness, File.GetLastWriteTimeUtc(HarnessBinary.Path));
        await host.Run(Path.Combine(other, "hive-host"));

        Assert.NotEqual(version, await Version(host));
        await Until(host, row => row.NeedsUpdate);
        Assert.Equal(pid, Fleet.PidIn(host.DataDir, "worker"));
        await host.Kill();
        await host.Run(Path.Combine(other, "hive-host"), "--AutoUpdate", "true");
        await Until(host, row => row is { NeedsUpdate: false, Running: true });
        var program = File.ResolveLinkTarget(
            $"/proc/{Fleet.PidIn(host.DataDir, "worker")}/exe",
            returnFinalTarget: false
        )!;
        Assert.Equal(harness, program.FullName);
    }

    private static void Copy(string from, string to)
    {
        Directory.CreateDirectory(to);
        foreach (var file in Directory.EnumerateFiles(from))
            File.Copy(file, Path.Combine(to, Path.GetFileName(file)));
        foreach (var folder in Directory.EnumerateDirectories(from))
            Copy(folder, Path.Combine(to, Path.GetFileName(folder)));
    }

    private static async Task<string> Version(ChildHost host)
    {
        using var line = await host.Operator();
        return (await line.CallAsync("version")).GetProperty("hive_version").GetString()!;
    }

    private static async Task<ContainerView> Row(ChildHost host)
    {
        using var line = await host.Operator();
        var rows = (await line.CallAsync("agent_status")).GetProperty("agent_statuses");
        return rows.Deserialize<ContainerView[]>(WireJson.Options)!.Single(r => r.Name == "worker");
    }

    private static Task Until(ChildHost host, Func<ContainerView, bool> wanted) =>
        Patience.Until(async () => wanted(await Row(host)), "the agent's row is as wanted");
}
