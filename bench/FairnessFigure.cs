using System.Diagnostics;
using System.Globalization;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>Measures what one hostile agent at full speed costs another agent's <c>send</c>, the dashboard's snapshot
/// and the host's memory, beside a quiet phase of the same host.</summary>
internal static class FairnessFigure
{
    private const int SendsPerSecond = 50,
        SnapshotsPerSecond = 20;

    private const double SendGoalMs = 20,
        StateGoalMs = 50,
        GrowthGoalMiB = 100;

    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);
    private static readonly TimeSpan Preparation = TimeSpan.FromMinutes(3);

    public static string[] Kinds { get; } =
    ["sends", "turns", "ack-all", "events", "paths", "connects", "http", "logs", "operator", "requeue"];

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title("One hostile agent at full speed beside another agent and the dashboard");
        plan.Report.Line(
            "| hostile | `send` p50, p99, max ms | × quiet p99 | `/api/state` p50, p99, max ms | × quiet p99 "
                + "| growth MiB | its answers per second, refused |"
        );
        plan.Report.Line("|---|---|---|---|---|---|---|");
        List<object> kept = [];
        foreach (var kind in plan.Hostile)
        {
            // A host of its own for each: neither its data nor its memory is another attack's.
            var own = kind == "logs" ? LogFlood.WithItsHarness(plan) : plan;
            await using var host = await HiveHost.StartAsync(own, 5, ct);
            await using var victim = await Victim.StartAsync(host, ct);
            await victim.Measure(WarmUp, ct);
            var quiet = await victim.Measure(plan.Measured, ct);
            var attacked = await Attack(plan, host, victim, kind, ct);
            Tell(plan.Report, kind, quiet, attacked);
            kept.Add(
                new
                {
                    kind,
                    quiet,
                    attacked,
                }
            );
        }

        plan.Report.Keep("fairness", kept);
        plan.Report.Line("");
    }

    private static async Task<Phase> Attack(Plan plan, HiveHost host, Victim victim, string kind, CancellationToken ct)
    {
        var before = host.Process.ResidentMebibytes();
        if (kind == "logs")
        {
            await using var flood = await LogFlood.StartAsync(host, Preparation, ct);
            var flooded = await victim.Measure(plan.Measured, ct);
            return flooded with { GrowthMiB = flooded.MostMiB - before };
        }

        var child = plan.Scratch.Start(
            Environment.ProcessPath!,
            [Hostile.Verb, kind, host.Socket(0), host.Agents[1], host.Url.ToString(), host.StateFolder(0)],
            plan.Scratch.NewFile("hostile")
        );
        try
        {
            await Told(child, "ready", Preparation, ct);
            using var operatorLine = await host.Operator(ct);
            // Attacks that end are measured until then, others for the measured time.
            var ends = kind switch
            {
                "operator" => operatorLine.CallAsync("ack_messages", new { all = true }, ct),
                "requeue" => Told(child, "done", Preparation, ct),
                _ => Task.Delay(plan.Measured, ct),
            };
            var watch = Stopwatch.StartNew();
            var phase = await victim.Measure(ends, ct);
            var (answers, refused) = Counts(child);
            return phase with
            {
                GrowthMiB = phase.MostMiB - before,
                AnswersPerSecond = answers / watch.Elapsed.TotalSeconds,
                Refused = refused,
            };
        }
        finally
        {
            await plan.Scratch.StopAsync(child);
        }
    }

    private static async Task Told(Scratch.Child child, string word, TimeSpan patience, CancellationToken ct)
    {
        var watch = Stopwatch.StartNew();
        while (!child.Lines().Contains(word))
        {
            if (child.Process.HasExited || watch.Elapsed > patience)
                throw new BenchmarkException($"the hostile agent did not become {word}: {child.Tail()}");
            await Task.Delay(50, ct);
        }
    }

    private static (double Answers, long Refused) Counts(Scratch.Child child)
    {
        var words = child.Lines().LastOrDefault(line => line.StartsWith("answers ", StringComparison.Ordinal));
        return words?.Split(' ') is [_, var answers, _, var refused]
            ? (double.Parse(answers, CultureInfo.InvariantCulture), long.Parse(refused, CultureInfo.InvariantCulture))
            : (0, 0);
    }

    private static void Tell(Report report, string kind, Phase quiet, Phase attacked)
    {
        report.Line($"| quiet | {Times(quiet.Send)} | | {Times(quiet.State)} | | | |");
        report.Line(
            $"| {kind}, {Report.Fraction(attacked.Seconds)} s | {Times(attacked.Send)} "
                + $"| {Report.Fraction(attacked.Send.P99 / quiet.Send.P99)} | {Times(attacked.State)} "
                + $"| {Report.Fraction(attacked.State.P99 / quiet.State.P99)} | {Report.Number(attacked.GrowthMiB)} "
                + $"| {Report.Number(attacked.AnswersPerSecond)}, {Report.Number(attacked.Refused)} |"
        );
        if (attacked.Send.P99 >= SendGoalMs || attacked.State.P99 >= StateGoalMs || attacked.GrowthMiB >= GrowthGoalMiB)
            report.Line($"| | missed: {kind} | | | | | |");
    }

    private static string Times(Latency of) =>
        string.Create(CultureInfo.InvariantCulture, $"{of.P50:0.0}, **{of.P99:0.0}**, {of.Max:0.0}");

    /// <summary>Times in milliseconds.</summary>
    private sealed record Latency(int Count, double P50, double P99, double Max)
    {
        public static Latency Of(List<double> times) =>
            new(times.Count, Report.Percentile(times, 0.5), Report.Percentile(times, 0.99), times.Max());
    }

    private sealed record Phase(Latency Send, Latency State, double MostMiB, double Seconds)
    {
        public double GrowthMiB { get; init; }

        public double AnswersPerSecond { get; init; }

        public long Refused { get; init; }
    }

    /// <summary>Another agent with a peer that reads, and a page.</summary>
    private sealed class Victim : IAsyncDisposable
    {
        private readonly HiveHost host;
        private readonly HttpClient http;
        private readonly LineClient sender;
        private readonly LineClient reader;
        private readonly string peer;
        private readonly CancellationTokenSource ending = new();
        private readonly Task reading;

        private Victim(HiveHost host, LineClient sender, LineClient reader)
        {
            (this.host, this.sender, this.reader) = (host, sender, reader);
            (http, peer) = (host.Http(), host.Agents[4]);
            reading = Read();
        }

        public static async Task<Victim> StartAsync(HiveHost host, CancellationToken ct) =>
            new(host, await host.Agent(3, ct), await host.Agent(4, ct));

        public Task<Phase> Measure(TimeSpan time, CancellationToken ct) => Measure(Task.Delay(time, ct), ct);

        public async Task<Phase> Measure(Task until, CancellationToken ct)
        {
            var watch = Stopwatch.StartNew();
            var body = new string('x', Generator.BodyBytes);
            var sends = Steadily(SendsPerSecond, () => sender.CallAsync("send", new { to = peer, body }, ct), until);
            var states = Steadily(SnapshotsPerSecond, () => http.GetByteArrayAsync("/api/state", ct), until);
            var most = 0.0;
            while (!until.IsCompleted)
            {
                most = Math.Max(most, host.Process.ResidentMebibytes());
                await Task.WhenAny(until, Task.Delay(100, ct));
            }

            await until;
            return new Phase(Latency.Of(await sends), Latency.Of(await states), most, watch.Elapsed.TotalSeconds);
        }

        public async ValueTask DisposeAsync()
        {
            await ending.CancelAsync();
            await Task.WhenAny(reading);
            ending.Dispose();
            sender.Dispose();
            reader.Dispose();
            http.Dispose();
        }

        // At fixed times; a call that the one before held up counts from when it was due.
        private static async Task<List<double>> Steadily(int perSecond, Func<Task> call, Task until)
        {
            var times = new List<double>();
            var watch = Stopwatch.StartNew();
            for (var n = 0; !until.IsCompleted || n == 0; n++)
            {
                var due = n * 1000.0 / perSecond;
                var early = due - watch.Elapsed.TotalMilliseconds;
                if (early > 0)
                    await Task.Delay(TimeSpan.FromMilliseconds(early));
                var begun = early > 0 ? watch.Elapsed.TotalMilliseconds : due;
                await call();
                times.Add(watch.Elapsed.TotalMilliseconds - begun);
            }

            return times;
        }

        private async Task Read()
        {
            while (!ending.IsCancellationRequested)
            {
                await reader.CallAsync("recv", new { wait_seconds = 60 }, ending.Token);
                await reader.CallAsync("ack", new { all = true }, ending.Token);
            }
        }
    }
}
