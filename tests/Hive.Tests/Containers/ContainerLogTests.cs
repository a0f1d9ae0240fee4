using System.Text.Json;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Hive.Runtimes.Logs;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the logs of agents that print a lot: bounded while they run, and read as one.</summary>
public sealed class ContainerLogTests
{
    private const long Bound = 2 * (ContainerLog.MaxBytes + AgentProcess.PumpedAtOnce);

    [Fact]
    public async Task Two_million_lines_fill_two_bounded_files_and_the_last_lines_are_kept()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        await Print(fleet, "seq 2000000", _ => Task.CompletedTask);
        var files = Directory.GetFiles(Path.Combine(fleet.Hive.DataDir, "logs"));
        Assert.Equal(["worker.log", "worker.log.1"], files.Select(Path.GetFileName).Order());
        Assert.InRange(files.Sum(f => new FileInfo(f).Length), ContainerLog.MaxBytes, Bound);
        Assert.Equal(["1999999", "2000000"], await Lines(fleet, 2));

        // More lines than a newly begun file can hold, so that both files are read.
        var many = await Lines(fleet, 5000);
        Assert.Equal(Enumerable.Range(2000000 - 4999, 5000).Select(n => $"{n}"), many);
    }

    [Fact]
    public void A_log_is_read_through_a_data_folder_that_is_a_link()
    {
        var folder = Directory.CreateTempSubdirectory("hive-log-").FullName;
        try
        {
            Directory.CreateDirectory(Path.Combine(folder, "real"));
            var link = Directory
                .CreateSymbolicLink(Path.Combine(folder, "link"), Path.Combine(folder, "real"))
                .FullName;
            var log = new ContainerLog(HivePaths.Find(link, Path.Combine(folder, "run")), TimeProvider.System);
            File.WriteAllText(log.Open("worker") + ".1", "one\n");
            File.WriteAllText(log.Open("worker"), "two\nthree\n");

            Assert.Equal(["one", "two", "three"], log.Tail("worker", 5));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public void Tail_returns_the_requested_number_of_lines_whatever_their_length()
    {
        var folder = Directory.CreateTempSubdirectory("hive-log-").FullName;
        try
        {
            var log = new ContainerLog(HivePaths.Find(folder, Path.Combine(folder, "run")), TimeProvider.System);
            // More than a mebibyte in both files together; a line is split between them.
            var lines = Enumerable.Range(0, 15_000).Select(i => $"{i} {new string('é', 110)}").ToArray();
            var all = System.Text.Encoding.UTF8.GetBytes(string.Concat(lines.Select(l => l + "\n")));
            File.WriteAllBytes(log.Open("worker") + ".1", all[..2_700_001]);
            File.WriteAllBytes(log.Open("worker"), all[2_700_001..]);

            Assert.Equal(lines[^5000..], log.Tail("worker", 5000));
            Assert.Equal(lines, log.Tail("worker", 20_000));
            Assert.Equal(lines[^1..], log.Tail("worker", 1));
        }
        finally
        {
            Directory.Delete(folder, recursive: true);
        }
    }

    [Fact]
    public async Task Following_a_log_misses_no_line_when_it_is_rotated()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        await using var lines = host.StreamAsync(
                "logs",
                new
                {
                    name = "worker",
                    lines = 1,
                    follow = true,
                }
            )
            .GetAsyncEnumerator();
        Assert.True(await lines.MoveNextAsync());
        var next = 1;
        await Print(
            fleet,
            "seq 500000; read go < gate; seq 500001 1000000; read go < gate; printf 'no end'",
            async gate =>
            {
                await Follow(500000);
                File.WriteAllText(gate, "go\n");
                await Follow(1000000);
                File.WriteAllText(gate, "go\n");
            }
        );
        Assert.True(File.Exists(Path.Combine(fleet.Hive.DataDir, "logs", "worker.log.1")));
        Assert.Equal(["1000000", "no end"], await Lines(fleet, 2));

        async Task Follow(int until)
        {
            while (next <= until)
            {
                Assert.True(await lines.MoveNextAsync());
                foreach (var line in lines.Current.GetProperty("lines").EnumerateArray())
                    Assert.Equal($"{next++}", line.GetString());
            }
        }
    }

    [Fact]
    public async Task A_log_that_cannot_be_written_never_blocks_an_agent()
    {
        await using var fleet = await Fleet.Start("process");
        await fleet.Spawn("worker", "process", start: false);
        // A folder in the place of the log, so that it cannot be written.
        Directory.CreateDirectory(Path.Combine(fleet.Hive.DataDir, "logs", "worker.log"));
        await Print(fleet, "seq 1000000", _ => Task.CompletedTask);
        Directory.Delete(Path.Combine(fleet.Hive.DataDir, "logs", "worker.log"));
    }

    // Runs a shell like an agent's process, until its whole output is in the log.
    private static async Task Print(Fleet fleet, string script, Func<string, Task> during)
    {
        var gate = Path.Combine(fleet.Hive.Folder, "gate");
        using (var made = System.Diagnostics.Process.Start("mkfifo", [gate]))
            await made.WaitForExitAsync();
        var launch = new Launch(
            ["sh", "-c", script],
            new Dictionary<string, string> { ["PATH"] = "/usr/bin:/bin" },
            fleet.Hive.Folder
        );
        var log = fleet.Hive.Services.GetRequiredService<ContainerLog>().Open("worker");
        var process = await AgentProcess.Start(
            launch,
            Path.Combine(fleet.Hive.Folder, "pid"),
            fleet.Hive.RunDir,
            RunNote.Of(null),
            log,
            DateTimeOffset.UtcNow,
            (_, _) => { }
        );
        var watch = fleet.Hive.Services.GetRequiredService<ProcessWatch>();
        var drained = process.OpenPump() is { } pump ? watch.Ended(pump) : Task.CompletedTask;
        await during(gate);
        Assert.Equal(new RunOutcome(true, null), await process.Outcome());
        await drained;
    }

    private static async Task<string[]> Lines(Fleet fleet, int lines)
    {
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        return (await host.CallAsync("logs", new { name = "worker", lines }))
            .GetProperty("lines")
            .Deserialize<string[]>()!;
    }
}
