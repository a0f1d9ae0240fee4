using System.Text.Json;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>Measures locks: 64 agents acquire and release an exclusive lock on one of 100 resources, each for its
/// task.</summary>
internal static class LocksFigure
{
    private const int Agents = 64;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"Acquire and release a lock: {Agents} agents on 100 resources");
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        using var http = host.Http();
        await Filling.Workers(http, host.Agents, 1, ct);
        using var client = await host.Operator(ct);
        await Filling.Load(client, ct);
        await Filling.Ticket(client, "Locks", [.. Enumerable.Range(0, Agents).Select(n => Filling.Job(n))], ct);
        // An external agent has tasks while it is connected.
        var lines = new List<LineClient>();
        try
        {
            for (var n = 0; n < Agents; n++)
            {
                lines.Add(await host.Agent(n, ct));
                await lines[n].CallAsync("whoami", null, ct);
            }

            foreach (var line in lines)
            {
                var got = await line.CallAsync("recv", new { wait_seconds = 60 }, ct);
                while (Filling.TaskOf(got.GetProperty("messages")[0]) is null)
                    got = await line.CallAsync("recv", new { wait_seconds = 60 }, ct);
                await line.CallAsync("get_work", null, ct);
            }

            List<Sample> samples = [];
            // The first round warms up: hot code is compiled again for some seconds.
            for (var round = 0; round <= plan.Rounds; round++)
            {
                var sample = await plan.Generator.RunAsync(host, "lock", Agents, plan.Measured, ct);
                plan.Report.Progress(
                    $"locks round {round}: {Report.Number(sample.OpsPerS)}/s, "
                        + $"generator {sample.GeneratorCpu:P0} of a core"
                );
                if (await Left(client, ct) is var left && left > 0)
                    throw new BenchmarkException($"{left} locks are left after all were released");
                if (round > 0)
                    samples.Add(sample);
            }

            double[] rates = [.. samples.Select(s => s.OpsPerS)];
            plan.Report.Line(
                $"| {string.Join(", ", rates.Select(Report.Number))} acquired and released per second | median "
                    + $"**{Report.Number(Report.Median(rates))}** | both calls and the wait between: p50 "
                    + $"{Report.Number(Report.Median(samples.Select(s => (double)s.P50Us)))} us, p99 "
                    + $"{Report.Number(Report.Median(samples.Select(s => (double)s.P99Us)))} us |"
            );
            plan.Report.Keep("locks", new { agents = Agents, samples });
        }
        finally
        {
            foreach (var line in lines)
                line.Dispose();
        }
    }

    private static async Task<int> Left(LineClient host, CancellationToken ct) =>
        (await host.CallAsync("locks", null, ct)).GetProperty("locks").GetArrayLength();
}
