using System.Diagnostics;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Features.Tasks;
using Hive.Features.Tasks.Contracts;
using Hive.Host;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;

namespace Hive.Benchmarks;

/// <summary>Measures the whole cycle of a task, from its claim to the acknowledged message, at fifty agents; and claims
/// alone, in this process and without messages.</summary>
internal static class ClaimFigure
{
    private const int Agents = 50,
        Capacity = 16;

    // More than the agents can do in a round.
    private const int TicketsPerRound = 100;

    private const int MostClaims = 10_000;

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"Whole cycle claim, recv, complete_task, ack: {Agents} agents of capacity {Capacity}");
        await Cycle(plan, ct);
        await Claims(plan, ct);
    }

    private static async Task Cycle(Plan plan, CancellationToken ct)
    {
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        using var http = host.Http();
        await Filling.Workers(http, host.Agents, Capacity, ct);
        using var client = await host.Operator(ct);
        await Filling.Load(client, ct);
        List<Sample> samples = [];
        var completed = 0L;
        // The first round warms up: hot code is compiled again for some seconds.
        for (var round = 0; round <= plan.Rounds; round++)
        {
            await Filling.Tasks(host.Operator, TicketsPerRound, Filling.AtOnce, ct);
            var sample = await plan.Generator.RunAsync(host, "work", Agents, plan.Measured, ct);
            completed += sample.Acked;
            plan.Report.Progress(
                $"claim round {round}: {Report.Number(sample.OpsPerS)}/s, generator {sample.GeneratorCpu:P0} of a core"
            );
            if (await Completed(http, ct) is var ended && ended != completed)
                throw new BenchmarkException($"the host counts {ended} completed tasks, the agents {completed}");
            if (completed > (round + 1) * TicketsPerRound * Filling.AtOnce - Agents * Capacity)
                throw new BenchmarkException("the agents ran out of tasks; make more tickets for a round");
            if (round > 0)
                samples.Add(sample);
        }

        double[] rates = [.. samples.Select(s => s.OpsPerS)];
        plan.Report.Line(
            $"| {string.Join(", ", rates.Select(Report.Number))} tasks per second | median "
                + $"**{Report.Number(Report.Median(rates))}** | from the recv's answer to the ack's: p50 "
                + $"{Report.Number(Report.Median(samples.Select(s => (double)s.P50Us)))} us, p99 "
                + $"{Report.Number(Report.Median(samples.Select(s => (double)s.P99Us)))} us |"
        );
        plan.Report.Line($"{Report.Number(completed)} tasks in all: none given twice, none lost.");
        plan.Report.Keep(
            "claim",
            new
            {
                agents = Agents,
                capacity = Capacity,
                samples,
            }
        );
        await Figures.KeepMemory(plan, host, "the cycles of tasks", ct);
    }

    private static async Task<long> Completed(HttpClient http, CancellationToken ct)
    {
        var state = await http.GetFromJsonAsync<JsonElement>(new Uri("/api/state", UriKind.Relative), ct);
        return state
            .GetProperty("tickets")
            .EnumerateArray()
            .Sum(card => card.GetProperty("tasks").GetProperty("done").GetInt64());
    }

    // Each agent gets as many tasks as it has capacity for; nobody is connected, so that the host itself gives none.
    private static async Task Claims(Plan plan, CancellationToken ct)
    {
        var folder = plan.Scratch.NewFolder("claims");
        var url = new Uri($"http://127.0.0.1:{HiveHost.FreePort()}");
        await using var host = await HiveApp.Build(
            [.. HiveHost.Options(folder, url), "--Logging:LogLevel:Default", "Warning"],
            // Without messages, nothing is collected for them either.
            services => services.AddSingleton<IOutbox, NoOutbox>().RemoveAll<IBriefPart>()
        );
        await HiveApp.Start(host);
        var (store, giver) = (host.Services.GetRequiredService<IStore>(), host.Services.GetRequiredService<IClaims>());
        Task<LineClient> Connect(CancellationToken token) =>
            LineClient.ConnectAsync(Path.Combine(folder, "run", "host.sock"), token);
        using var client = await Connect(ct);
        using var http = HiveHost.Http(folder, url);
        await Filling.Load(client, ct);
        string[] agents = [.. Enumerable.Range(1, MostClaims / Capacity).Select(n => $"b{n}")];
        foreach (var name in agents)
            await client.CallAsync("spawn", new { name, runtime = "external" }, ct);
        await Filling.Workers(http, agents, Capacity, ct);
        List<double> rates = [];
        for (var round = 0; round <= plan.Rounds; round++)
        {
            var tickets = await Filling.Tasks(Connect, MostClaims / Filling.AtOnce, Filling.AtOnce, ct);
            var ready = host.Services.GetRequiredService<IScheduler>().First(MostClaims);
            var watch = Stopwatch.StartNew();
            foreach (var some in ready.Index().Chunk(Dispatcher.MostPerWrite))
            {
                var given = await store.Write(
                    write =>
                        some.Count(task =>
                            giver.Claim(write, task.Item, agents[task.Index / Capacity]) == ClaimResult.Claimed
                        ),
                    ct
                );
                if (given != some.Length)
                    throw new BenchmarkException($"{some.Length - given} of {some.Length} tasks were not ready");
            }

            if (round > 0)
                rates.Add(ready.Count / watch.Elapsed.TotalSeconds);
            foreach (var id in tickets)
                await client.CallAsync("ticket_delete", new { id }, ct);
        }

        plan.Report.Line(
            $"Claims alone, {Dispatcher.MostPerWrite} to a commit, in rounds of {Report.Number(MostClaims)}: "
                + $"{string.Join(", ", rates.Select(Report.Number))} per second, median "
                + $"**{Report.Number(Report.Median(rates))}**."
        );
        plan.Report.Keep("claim_in_process", new { rates });
    }

    private sealed class NoOutbox : IOutbox
    {
        public long? Append(
            IWrite write,
            string from,
            string to,
            string body,
            IReadOnlyList<string>? fileRefs = null,
            long? inReplyTo = null,
            string? cause = null,
            Action<long>? stored = null
        ) => null;

        public void MustTake(string to, string sender, string body) { }
    }
}
