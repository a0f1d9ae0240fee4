using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Processes;
using Hive.Features.Containers.Limits;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the limits of agents' files: how they are measured, and the end and the return of an agent that
/// exceeds its own.</summary>
public sealed class DiskLimitTests
{
    private const string Low = "limits: { disk: 64 MB }\n";
    private const int Much = 70 << 20;

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_over_its_disk_limit_is_ended_until_its_files_fit()
    {
        await using var fleet = await Fleet.Start("process");
        fleet.Configure("worker", Low);
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var events = await fleet.Hive.Events();
        var file = Path.Combine(fleet.Hive.DataDir, "agents", "worker", "home", "much");
        await File.WriteAllBytesAsync(file, new byte[Much], Token);
        var row = await Fleet.Row(events, "worker", r => r is { Running: false, Failed: true });
        Assert.StartsWith("its files take 70", row.Note, StringComparison.Ordinal);
        Assert.Contains("may take 64 MiB", row.Note, StringComparison.Ordinal);
        Assert.Contains("raise 'disk'", row.Note, StringComparison.Ordinal);

        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        var refused = await Talk.Refused(() => host.CallAsync("start", new { name = "worker" }), "conflict");
        Assert.Contains("may take 64 MiB", refused.Message, StringComparison.Ordinal);

        File.Delete(file);
        await Fleet.Row(
            events,
            "worker",
            r => r is { Running: true, Note: var note } && note?.Contains("take") != true
        );
    }

    [Fact]
    public async Task A_raised_disk_limit_starts_the_agent_again_and_a_lowered_one_is_refused()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        var file = Path.Combine(fleet.Hive.DataDir, "agents", "worker", "state", "much");
        await File.WriteAllBytesAsync(file, new byte[Much], Token);
        var events = await fleet.Hive.Events();
        fleet.Configure("worker", Low);
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        await Talk.Refused(() => host.CallAsync("start", new { name = "worker" }), "conflict");
        Assert.True((await fleet.Row("worker")).Failed);
        fleet.Configure("worker", "limits: { disk: 80 MB }\n");
        await Fleet.Row(events, "worker", r => r.Running);
    }

    [Fact]
    public async Task A_shared_folder_over_its_limit_is_a_trouble_and_ends_nobody()
    {
        await using var fleet = await Fleet.Start("process", realClock: true, null, "--Disk:SharedMegabytes", "64");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var file = Path.Combine(fleet.Hive.DataDir, "shared", "much");
        await File.WriteAllBytesAsync(file, new byte[Much], Token);
        await SharedTrouble(fleet.Hive.Services);
        var health = await fleet.Hive.Http().GetFromJsonAsync<JsonElement>("/health", Token);
        Assert.Equal("failing", health.GetProperty("status").GetString());
        Assert.Contains("shared folder", health.GetProperty("problems").ToString(), StringComparison.Ordinal);
        Assert.True((await fleet.Row("worker")).Running);
    }

    [Fact]
    public async Task A_folder_is_measured_without_its_links_and_at_any_depth()
    {
        var folder = Directory.CreateTempSubdirectory("hive-use-").FullName;
        try
        {
            // Deeper than the longest path, where the name of the file alone leads.
            await Shell(
                $"cd {folder} && ln -s / root && mkfifo pipe && perl -e "
                    + "'$d=q(d)x200; for (1..30) { mkdir $d; chdir $d or exit 1 } open(F,q(>much)); "
                    + "print F q(x)x3000000; close F; link q(much),q(again) or exit 1'"
            );
            var size = await FolderUse.Measure(folder, TimeSpan.FromMinutes(1), Token);
            Assert.InRange(size!.Value, 3_000_000, 3_500_000);
            await Shell($"cd {folder} && mkdir many && cd many && seq 1000 | xargs touch");
            size = await FolderUse.Measure(folder, TimeSpan.FromMinutes(1), Token);
            Assert.InRange(size!.Value, 1000 * FolderUse.BytesPerFile, 1100 * FolderUse.BytesPerFile);
            Assert.Null(await FolderUse.Measure(folder, TimeSpan.Zero, Token));
        }
        finally
        {
            await Shell($"rm -rf {folder}");
        }
    }

    /// <summary>Waits until the host has found that the shared folder is over its limit.</summary>
    internal static Task SharedTrouble(IServiceProvider services) =>
        Patience.Until(
            async () => await services.GetRequiredService<SharedFolder>().Find() is not [],
            "the shared folder is over its limit"
        );

    private static async Task Shell(string command)
    {
        var done = await ProgramRunner.Run(new ProgramCall(["sh", "-c", command]), Token);
        Assert.True(done.ExitCode == 0, done.ErrorText);
    }
}
