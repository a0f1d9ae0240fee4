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
        await Appear(fleet, file);
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
    public async Task A_raised_disk_limit_starts_the_agent_again()
    {
        await using var fleet = await Fleet.Start("process");
        fleet.Configure("worker", Low);
        await fleet.Spawn("worker", "process", start: false);
        await Appear(fleet, Path.Combine(fleet.Hive.DataDir, "agents", "worker", "state", "much"));
        var events = await fleet.Hive.Events();
        // Never measured: it starts, and is ended afterwards.
        await fleet.Do("start", new { name = "worker" });
        await Fleet.Row(events, "worker", r => r is { Running: false, Failed: true });
        fleet.Configure("worker", "limits: { disk: 80 MB }\n");
        await Fleet.Row(events, "worker", r => r.Running);
    }

    [Fact]
    public async Task A_limit_below_the_files_is_refused_before_the_run_is_ended()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        await Appear(fleet, Path.Combine(fleet.Hive.DataDir, "agents", "worker", "state", "much"));
        var use = fleet.Hive.Services.GetRequiredService<DiskUse>();
        var folder = Path.Combine(fleet.Hive.DataDir, "agents", "worker");
        use.Forget(folder);
        await Patience.Until(() => Task.FromResult(use.Last(folder) > Much), "the files have been measured");
        var before = (await fleet.Row("worker")).StartedAt;
        fleet.Configure("worker", Low);
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        foreach (var verb in new[] { "restart", "rebuild" })
        {
            var refused = await Talk.Refused(() => host.CallAsync(verb, new { name = "worker" }), "conflict");
            Assert.Contains("may take 64 MiB", refused.Message, StringComparison.Ordinal);
        }

        var row = await fleet.Row("worker");
        Assert.True(row.Running);
        Assert.Equal(before, row.StartedAt);
    }

    [Fact]
    public async Task A_failed_measurement_keeps_the_last_size_and_ends_nobody()
    {
        var folder = Directory.CreateTempSubdirectory("hive-use-").FullName;
        try
        {
            string? fault = null;
            using var use = new DiskUse(
                TimeProvider.System,
                (path, patience, ct) =>
                    fault is null ? FolderUse.Measure(path, patience, ct) : Task.FromResult(new FolderSize(null, fault))
            );
            await File.WriteAllBytesAsync(Path.Combine(folder, "some"), new byte[1 << 20], Token);
            await use.Refresh(folder, Much, [], Token);
            var size = use.Last(folder);
            Assert.InRange(size!.Value, 1 << 20, 2 << 20);
            Assert.Null(use.Fault(folder));

            fault = "du ended with 1";
            await File.WriteAllBytesAsync(Path.Combine(folder, "much"), new byte[Much], Token);
            await Refreshed(use, folder, () => use.Fault(folder) == fault);
            Assert.Equal(size, use.Last(folder));

            // It is tried again, although the disk has not changed since.
            fault = null;
            await Refreshed(use, folder, () => use.Fault(folder) is null);
            Assert.True(use.Last(folder) > Much);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Many_empty_files_are_measured_as_soon_as_they_are_there()
    {
        // Of memory: its inodes are counted on every machine.
        var folder = Directory.CreateDirectory($"/dev/shm/hive-use-{Guid.NewGuid():N}").FullName;
        try
        {
            using var use = new DiskUse(TimeProvider.System);
            var limit = 1000 * FolderUse.BytesPerFile;
            await use.Refresh(folder, limit, [], Token);
            Assert.True(use.Last(folder) < limit);
            await Shell($"cd {folder} && seq 1100 | xargs touch");
            await Refreshed(use, folder, () => use.Last(folder) > limit, limit);
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task A_file_that_would_bring_a_recipient_near_its_limit_is_refused()
    {
        await using var fleet = await Fleet.Start("process");
        fleet.Configure("worker", Low);
        await fleet.Spawn("worker", "process", start: false);
        await fleet.Spawn("sender", "process", start: false);
        var (use, folder) = (
            fleet.Hive.Services.GetRequiredService<DiskUse>(),
            Path.Combine(fleet.Hive.DataDir, "agents", "worker")
        );
        await use.Refresh(folder, long.MaxValue, [], Token);
        // 90 % of 64 MiB are 57.6 MiB, of which one more file is left.
        use.Add(folder, (56 << 20) - use.Last(folder)!.Value);
        var sender = await fleet.Hive.Connect("sender");
        await Send("first");
        var refused = await Talk.Refused(() => Send("second"), "conflict");
        Assert.Contains("worker has no room for the file", refused.Message, StringComparison.Ordinal);
        Assert.Contains("/shared/", refused.Message, StringComparison.Ordinal);
        Assert.Single(Directory.GetFiles(Path.Combine(folder, "state", "received", "sender")));

        Task Send(string name)
        {
            var file = Path.Combine(fleet.Hive.DataDir, "agents", "sender", "state", name);
            File.WriteAllText(file, new string(name[0], 1 << 20));
            return sender.CallAsync(
                "send",
                new
                {
                    to = "worker",
                    body = "read",
                    file_path = file,
                }
            );
        }
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

        // It ends with the files, also when no agent runs.
        await fleet.Do("stop", new { name = "worker" });
        File.Delete(file);
        var shared = fleet.Hive.Services.GetRequiredService<SharedFolder>();
        await Patience.Until(async () => await shared.Find() is [], "the shared folder is below its limit");
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
            Assert.InRange(size.Bytes!.Value, 3_000_000, 3_500_000);
            await Shell($"cd {folder} && mkdir many && cd many && seq 1000 | xargs touch");
            size = await FolderUse.Measure(folder, TimeSpan.FromMinutes(1), Token);
            Assert.InRange(size.Bytes!.Value, 1000 * FolderUse.BytesPerFile, 1100 * FolderUse.BytesPerFile);
            Assert.Null(size.Fault);
            size = await FolderUse.Measure(folder, TimeSpan.Zero, Token);
            Assert.Equal(new FolderSize(null, "it takes too long"), size);
            size = await FolderUse.Measure(Path.Combine(folder, "none"), TimeSpan.FromMinutes(1), Token);
            Assert.Equal(new FolderSize(null, "du ended with 1"), size);
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

    // A file that grows could be measured before it is complete.
    private static async Task Appear(Fleet fleet, string file)
    {
        var made = Path.Combine(fleet.Hive.DataDir, "much");
        await File.WriteAllBytesAsync(made, new byte[Much], Token);
        File.Move(made, file);
    }

    private static Task Refreshed(DiskUse use, string folder, Func<bool> wanted, long limit = Much) =>
        Patience.Until(
            async () =>
            {
                await use.Refresh(folder, limit, [], Token);
                return wanted();
            },
            "the folder has been measured"
        );

    private static async Task Shell(string command)
    {
        var done = await ProgramRunner.Run(new ProgramCall(["sh", "-c", command]), Token);
        Assert.True(done.ExitCode == 0, done.ErrorText);
    }
}
