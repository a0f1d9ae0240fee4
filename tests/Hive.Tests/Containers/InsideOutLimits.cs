using System.Globalization;
using Hive.Features.Containers.Limits;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Limits;
using Hive.Runtimes.Local;
using Hive.Runtimes.Logs;
using Hive.Tests.Messages;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>
/// Tries from inside a container to use more of the machine than an agent may have, a little more than its limits. The
/// disk is filled by an agent with a real harness, because the host measures agents and no other containers.
/// </summary>
internal static class InsideOutLimits
{
    private const string Agent = "greedy";
    private const long Memory = 1L << 30;

    // Far below an agent's usual limit, so that the machine stays quiet.
    private const int Processes = 200;
    private const int Much = 70_000_000;
    private const int Line = 4000;
    private const long LogBound = 2 * (ContainerLog.MaxBytes + AgentProcess.PumpedAtOnce);

    /// <summary>Starts a host with limits that are low enough to be exceeded here.</summary>
    public static async Task<Fleet> StartHost(string runtime) =>
        await Fleet.Start(runtime, realClock: true, await Fleet.Daemon(runtime), "--Disk:SharedMegabytes", "64");

    /// <summary>Runs every attempt; true for those that succeed.</summary>
    public static async Task<IReadOnlyList<(string Attempt, bool Works)>> Run(Fleet fleet, string runtime)
    {
        await fleet.Spawn(Agent, runtime, start: false);
        List<(string, bool)> seen = [];
        foreach (var (attempt, perl) in Attempts(Path.Combine(fleet.Hive.Folder, "outside")))
            seen.Add((attempt, await Works(fleet, runtime, perl)));
        await Works(fleet, runtime, $"print q(x)x{Line},qq(\\n) for 1..{LogBound / Line + 300}");
        seen.Add(("fill the disk with its log", await LogBytes(fleet, runtime) > LogBound + (1 << 20)));
        await fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime).Remove(Agent);
        return [.. seen, .. await FillDisk(fleet, runtime)];
    }

    // A container for each, because an attempt may end it.
    private static async Task<bool> Works(Fleet fleet, string runtime, string perl)
    {
        var container = fleet.Hive.Services.GetServices<IRuntime>().Single(r => r.Name == runtime);
        var state = Path.Combine(fleet.Hive.DataDir, "agents", Agent, "state");
        var (answers, started) = (Path.Combine(state, "answers"), Path.Combine(state, "started"));
        File.Delete(answers);
        File.Delete(started);
        var running = await container.Start(
            IsolationTests.BlueprintOf(fleet, Agent, runtime) with
            {
                // A start fails when the command has ended before the host sees it.
                Command =
                [
                    "/bin/sh",
                    "-c",
                    "echo begun > answers; until [ -e started ]; do :; done; "
                        + $"perl -e '{perl}' && echo yes >> answers",
                ],
                Limits = new ContainerLimits(Memory, 200, Processes),
            },
            CancellationToken.None
        );
        await File.WriteAllTextAsync(started, "");
        await running.Ended.WaitAsync(TimeSpan.FromMinutes(1));
        return await File.ReadAllLinesAsync(answers) switch
        {
            ["begun"] => false,
            ["begun", "yes"] => true,
            var other => throw new InvalidOperationException(string.Join(' ', other)),
        };
    }

    private static IEnumerable<(string Attempt, string Perl)> Attempts(string outside) =>
        [
            ("write to the disk outside its folders", $"open(F,q(>{outside})) or exit 1; print F 1; exit 0"),
            (
                $"open more than {ResourceLimits.MaxOpenFiles.ToString("N0", CultureInfo.InvariantCulture)} files",
                $"for (0..{ResourceLimits.MaxOpenFiles}) {{ open(my $f,q(/dev/null)) or exit 1; push @f,$f }}"
            ),
            (
                "start processes without end",
                // They end with the pipe, and leave nothing behind.
                $"pipe R,W; for (0..{Processes}) {{ $p=fork; if (!defined $p) {{ $n=1; last }} "
                    + "if (!$p) { close W; sysread R,$x,1; exec q(/bin/true) } } close W; 1 while wait>0; exit $n"
            ),
            ("use more memory than its limit", $"$n={Memory / 4 * 5}; $m=q(x)x$n"),
        ];

    // As an agent does that is told to, in two turns.
    private static async Task<(string Attempt, bool Works)[]> FillDisk(Fleet fleet, string runtime)
    {
        const string Filler = "filler";
        var (data, services) = (fleet.Hive.DataDir, fleet.Hive.Services);
        var shared = runtime == "process" ? Path.Combine(data, "shared") : "/shared";
        const string Folder = "{{folder}}";
        fleet.Configure(Filler, "limits: { disk: 64 MB }\n");
        await File.WriteAllTextAsync(
            Path.Combine(data, "applied", Filler, "script.yaml"),
            $$"""
            rules:
              - match: { from: operator, body: "(?<folder>.*)" }
                do:
                  - run: "head -c {{Much}} /dev/zero > {{Folder}}/much"
            """
        );
        await fleet.Spawn(Filler, runtime);
        await fleet.Up(Filler);
        var events = await fleet.Hive.Events();
        using var host = await LineClient.ConnectAsync(fleet.Hive.HostSocket);
        await host.Send(Filler, shared);
        await DiskLimitTests.SharedTrouble(services);
        var goesOn = (await fleet.Row(Filler)).Running;

        await host.Send(Filler, ".");
        var ended = await Fleet.Row(events, Filler, r => r is { Running: false, Failed: true });
        Assert.Contains("may take 64 MiB", ended.Note, StringComparison.Ordinal);
        return
        [
            ("run on with more files in its folders than its limit", ended.Running),
            ("run on with more files in /shared than its limit", goesOn),
        ];
    }

    private static async Task<long> LogBytes(Fleet fleet, string runtime)
    {
        var log = await Fleet.Daemon(runtime) is { } daemon
            ? await daemon.Run(
                "inspect",
                "--format",
                runtime == "docker" ? "{{.LogPath}}" : "{{.HostConfig.LogConfig.Path}}",
                fleet.Container(Agent)
            )
            : Path.Combine(fleet.Hive.DataDir, "logs", $"{Agent}.log");
        var files = Directory.GetFiles(Path.GetDirectoryName(log)!, $"{Path.GetFileName(log)}*");
        Assert.NotEmpty(files);
        return files.Sum(file => new FileInfo(file).Length);
    }
}
