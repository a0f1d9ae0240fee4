using System.Diagnostics;

namespace Hive.Benchmarks;

/// <summary>Every figure of docs/benchmarks.md, by name. Each starts its own servers, so that no figure depends on
/// another's data.</summary>
internal static class Figures
{
    private const int Agents = 64;
    private static readonly TimeSpan WarmUp = TimeSpan.FromSeconds(6);

    public static IReadOnlyList<string> Names { get; } =
    [
        "send",
        "cycle",
        "wake",
        "question",
        "state",
        "stream",
        "idle",
        "reminders",
        "history",
        "memory",
        "waiting",
        "queue",
        "dag",
        "dag-rows",
        "claim",
        "locks",
        "react",
        "board",
        "fairness",
        "page",
        "page-idle",
        "page-heap",
        "page-scroll",
    ];

    public static Task RunAsync(string name, Plan plan, CancellationToken ct) =>
        name switch
        {
            "send" => SendAsync(plan, ct),
            "cycle" => Cycle(plan, ct),
            "wake" => Wake(plan, ct),
            "question" => Question(plan, ct),
            "state" => State(plan, ct),
            "stream" => StreamFigure.RunAsync(plan, ct),
            "idle" => Idle(plan, ct),
            "reminders" => RemindersFigure.RunAsync(plan, ct),
            "history" => HistoryFigure.RunAsync(plan, ct),
            "memory" => Memory(plan, ct),
            "waiting" => WaitingFigure.KeptTrue(plan, ct),
            "queue" => QueueFigure.Queue(plan, ct),
            "dag" => QueueFigure.Dag(plan, ct),
            "dag-rows" => GraphFigure.Next(plan, ct),
            "claim" => ClaimFigure.RunAsync(plan, ct),
            "locks" => LocksFigure.RunAsync(plan, ct),
            "react" => GraphFigure.React(plan, ct),
            "board" => BoardFigure.RunAsync(plan, ct),
            "fairness" => FairnessFigure.RunAsync(plan, ct),
            "page" => PageFigure.RunAsync(plan, ct),
            "page-idle" => PageIdleFigure.RunAsync(plan, ct),
            "page-heap" => PageHeapFigure.RunAsync(plan, ct),
            "page-scroll" => WaitingFigure.Scrolled(plan, ct),
            _ => throw new ArgumentOutOfRangeException(nameof(name), name, null),
        };

    /// <summary>Waits until the host is idle, then reports its memory.</summary>
    public static async Task KeepMemory(Plan plan, HiveHost host, string after, CancellationToken ct)
    {
        await host.Rest(ct);
        var resident = host.Process.ResidentMebibytes();
        plan.Report.Line($"Host at rest after {after}: {Report.Number(resident)} MiB resident.");
        plan.Report.Keep("memory", new { after, resident_mib = resident });
    }

    private static async Task SendAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"Durable send, {Generator.BodyBytes}-byte bodies, {Agents} agents");
        foreach (var connections in new[] { 1, 16, 64 })
            await Compare(plan, "send", connections, ct);
    }

    private static async Task Cycle(Plan plan, CancellationToken ct)
    {
        plan.Report.Title("Whole cycle send, recv of up to 32, ack");
        await Compare(plan, "cycle", 64, ct);
    }

    private static async Task Wake(Plan plan, CancellationToken ct)
    {
        plan.Report.Title("From the start of a send to the waiting receiver's answer, idle host");
        await Compare(plan, "wake", 2, ct);
    }

    private static Task Compare(Plan plan, string mode, int connections, CancellationToken ct) =>
        plan.OpenTasks > 0 ? BesideTasks(plan, mode, connections, ct)
        : plan.BeforePath is { } before ? BesideBuild(plan, mode, connections, before, ct)
        : BesideRedis(plan, mode, connections, ct);

    private static async Task BesideRedis(Plan plan, string mode, int connections, CancellationToken ct)
    {
        List<Sample> redis = [],
            hive = [];
        await using var redisServer = await RedisServer.StartAsync(plan, Agents, ct);
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        // The just-in-time compiler recompiles hot code for some seconds; a host runs longer than that.
        foreach (var server in new IServer[] { redisServer, host })
            await plan.Generator.RunAsync(server, mode, connections, WarmUp, ct);
        for (var round = 0; round < plan.Rounds; round++)
        {
            // Redis first in one round, Hive first in the next: neither is always the one that runs second.
            IServer[] order = round % 2 == 0 ? [redisServer, host] : [host, redisServer];
            foreach (var server in order)
            {
                var sample = await plan.Generator.RunAsync(server, mode, connections, plan.Measured, ct);
                plan.Report.Progress(
                    $"{mode} {connections} round {round + 1} {server.Name}: "
                        + $"{Report.Number(sample.OpsPerS)}/s, p50 {sample.P50Us} us, p99 {sample.P99Us} us, "
                        + $"generator {sample.GeneratorCpu:P0} of a core"
                );
                (server == host ? hive : redis).Add(sample);
            }
        }

        var wake = mode == "wake";
        double[] ratios = [.. hive.Zip(redis, (h, r) => wake ? (double)r.P50Us / h.P50Us : h.OpsPerS / r.OpsPerS)];
        plan.Report.Line($"{connections} connection{(connections == 1 ? "" : "s")}:");
        plan.Report.Line("");
        plan.Report.Line(
            $"| server | {(wake ? "p50 us" : "per second")} of rounds 1–{plan.Rounds} | median | p50 us | "
                + $"p99 us | p99.9 us | max us |"
        );
        plan.Report.Line("|---|---|---|---|---|---|---|");
        foreach (var samples in new[] { redis, hive })
        {
            double[] values = [.. samples.Select(s => wake ? s.P50Us : s.OpsPerS)];
            plan.Report.Line(
                $"| {samples[0].Server} | {string.Join(", ", values.Select(Report.Number))} | "
                    + $"{Report.Number(Report.Median(values))} "
                    + $"| {Middle(samples, s => s.P50Us)} | {Middle(samples, s => s.P99Us)} | "
                    + $"{Middle(samples, s => s.P999Us)} | {Report.Number(samples.Max(s => s.MaxUs))} |"
            );
        }

        plan.Report.Line("");
        plan.Report.Line(
            $"Hive against Redis, {(wake ? "Redis's p50 / Hive's" : "Hive's rate / Redis's")}: median "
                + $"**{Report.Fraction(Report.Median(ratios))}**, "
                + $"rounds {Report.Fraction(ratios.Min())} to {Report.Fraction(ratios.Max())}."
        );
        plan.Report.Keep(
            mode,
            new
            {
                connections,
                redis,
                hive,
                ratios,
                ratio_median = Report.Median(ratios),
            }
        );
        await KeepMemory(plan, host, $"{mode} with {connections} connections", ct);
        plan.Report.Line("");
    }

    private static async Task BesideBuild(Plan plan, string mode, int connections, string path, CancellationToken ct)
    {
        await using var old = await HiveHost.StartAsync(plan with { HostPath = path }, Agents, ct);
        await using var host = await HiveHost.StartAsync(plan, Agents, ct);
        await Pair(plan, mode, connections, ("before", old), ("now", host), ct);
    }

    private static async Task BesideTasks(Plan plan, string mode, int connections, CancellationToken ct)
    {
        await using var plain = await HiveHost.StartAsync(plan, Agents, ct);
        await using var filled = await Filled(plan, Agents, ct);
        // Both have just started.
        await plain.Restart(plan, ct);
        await Pair(plan, mode, connections, ("without tasks", plain), (TasksName(plan), filled), ct);
    }

    /// <summary>A host with open tasks, which has just started.</summary>
    private static async Task<HiveHost> Filled(Plan plan, int agents, CancellationToken ct)
    {
        var host = await HiveHost.StartAsync(plan, agents, ct);
        using (var client = await host.Operator(ct))
            await Filling.Load(client, ct);
        await Filling.Tasks(host.Operator, plan.OpenTasks / Filling.AtOnce, Filling.AtOnce, ct);
        await host.Restart(plan, ct);
        return host;
    }

    private static string TasksName(Plan plan) => $"with {Report.Number(plan.OpenTasks)} open tasks";

    /// <summary>Two hosts, one after the other in each round.</summary>
    private static async Task Pair(
        Plan plan,
        string mode,
        int connections,
        (string Name, HiveHost Host) one,
        (string Name, HiveHost Host) other,
        CancellationToken ct
    )
    {
        List<double> ratios = [];
        List<Sample> first = [],
            second = [];
        foreach (var (_, server) in new[] { one, other })
            await plan.Generator.RunAsync(server, mode, connections, WarmUp, ct);
        var wake = mode == "wake";
        for (var round = 0; round < plan.Rounds; round++)
        {
            HiveHost[] order = round % 2 == 0 ? [one.Host, other.Host] : [other.Host, one.Host];
            foreach (var server in order)
                (server == other.Host ? second : first).Add(
                    await plan.Generator.RunAsync(server, mode, connections, plan.Measured, ct)
                );
            ratios.Add(wake ? (double)first[^1].P50Us / second[^1].P50Us : second[^1].OpsPerS / first[^1].OpsPerS);
        }

        foreach (var (name, samples) in new[] { (one.Name, first), (other.Name, second) })
            plan.Report.Line(
                $"| {mode} {name}, {connections} connections "
                    + $"| {string.Join(", ", samples.Select(s => Report.Number(s.OpsPerS)))} per second "
                    + $"| p50 {Middle(samples, s => s.P50Us)} us | p99 {Middle(samples, s => s.P99Us)} us |"
            );
        plan.Report.Line(
            $"{other.Name} against {one.Name}{(wake ? ", by p50" : "")}: median "
                + $"**{Report.Fraction(Report.Median(ratios))}**, rounds {Report.Fraction(ratios.Min())} to "
                + $"{Report.Fraction(ratios.Max())}."
        );
        plan.Report.Keep(
            $"{mode}_paired",
            new
            {
                connections,
                one = one.Name,
                first,
                other = other.Name,
                second,
                ratios,
            }
        );
    }

    private static string Middle(IEnumerable<Sample> samples, Func<Sample, long> value) =>
        Report.Number(Report.Median(samples.Select(s => (double)value(s))));

    private static async Task Question(Plan plan, CancellationToken ct)
    {
        const int questions = 3000,
            warmUp = 300;
        plan.Report.Title("From the operator's answer to the waiting asker, idle host");
        await using var host = await HiveHost.StartAsync(plan, 1, ct);
        using var asking = await host.Agent(0, ct);
        using var waiting = await host.Agent(0, ct);
        using var answering = await host.Operator(ct);
        var took = new List<double>();
        for (var n = -warmUp; n < questions; n++)
        {
            var id = (
                await asking.CallAsync(
                    "ask",
                    new
                    {
                        question = "shall we?",
                        options = new[] { "yes", "no" },
                        ttl_seconds = 600,
                    },
                    ct
                )
            ).GetProperty("id").GetInt64();
            var receiving = waiting.CallAsync("recv", new { wait_seconds = 30 }, ct);
            // Until the host has the waiting request.
            await Task.Delay(2, ct);
            var start = Stopwatch.GetTimestamp();
            var answered = answering.CallAsync("answer", new { id, answer = "yes" }, ct);
            var message = (await receiving).GetProperty("messages")[0];
            if (n >= 0)
                took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
            await answered;
            if (
                !message
                    .GetProperty("body")
                    .GetString()!
                    .Contains($"\"question_answered\",\"id\":{id},", StringComparison.Ordinal)
            )
                throw new BenchmarkException($"instead of the answer to question {id} came {message}");
            await asking.CallAsync("ack", new { ids = new[] { message.GetProperty("id").GetInt64() } }, ct);
        }

        double p50 = Report.Percentile(took, 0.50),
            p99 = Report.Percentile(took, 0.99),
            max = took.Max();
        plan.Report.Line(
            $"{questions} questions, one after another: p50 {Report.Fraction(p50)} ms, p99 "
                + $"{Report.Fraction(p99)} ms, max {Report.Fraction(max)} ms."
        );
        plan.Report.Keep(
            "question",
            new
            {
                questions,
                p50_ms = p50,
                p99_ms = p99,
                max_ms = max,
            }
        );
        await KeepMemory(plan, host, "the questions", ct);
    }

    private static async Task State(Plan plan, CancellationToken ct)
    {
        const int agents = 200,
            messages = 100_000,
            requests = 500,
            warmUp = 50;
        plan.Report.Title($"GET /api/state with {agents} agents and {Report.Number(messages)} messages");
        await using var host = await HiveHost.StartAsync(plan, agents, ct);
        var filled = await plan.Generator.RunAsync(
            host,
            "send",
            64,
            TimeSpan.FromMinutes(10),
            ct,
            TimeSpan.Zero,
            messages
        );
        if (filled.Sent != messages)
            throw new BenchmarkException($"only {filled.Sent} of {messages} messages could be stored in ten minutes");
        using var http = host.Http();
        var took = new List<double>();
        var bytes = 0;
        for (var n = -warmUp; n < requests; n++)
        {
            var start = Stopwatch.GetTimestamp();
            bytes = (await http.GetByteArrayAsync(new Uri("/api/state", UriKind.Relative), ct)).Length;
            if (n >= 0)
                took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        double p50 = Report.Percentile(took, 0.50),
            p99 = Report.Percentile(took, 0.99),
            max = took.Max();
        plan.Report.Line(
            $"{requests} requests, one after another: p50 {Report.Fraction(p50)} ms, p99 "
                + $"{Report.Fraction(p99)} ms, max {Report.Fraction(max)} ms, {Report.Number(bytes)} bytes."
        );
        plan.Report.Keep(
            "state",
            new
            {
                agents,
                messages,
                requests,
                p50_ms = p50,
                p99_ms = p99,
                max_ms = max,
                bytes,
            }
        );
        await KeepMemory(plan, host, "the state requests", ct);
    }

    private static async Task Idle(Plan plan, CancellationToken ct)
    {
        const int agents = 50,
            streams = 5;
        plan.Report.Title(
            $"Idle host with {agents} waiting agents and {streams} open streams"
                + (plan.OpenTasks > 0 ? $", {TasksName(plan)}" : "")
        );
        await using var host =
            plan.OpenTasks > 0 ? await Filled(plan, agents, ct) : await HiveHost.StartAsync(plan, agents, ct);
        using var http = host.Http();
        using var closing = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var hold = plan.Generator.Start(host, "hold", agents, plan.Idle + TimeSpan.FromSeconds(60), TimeSpan.Zero);
        var open = Enumerable.Range(0, streams).Select(_ => new StreamSubscriber()).ToArray();
        var reading = open.Select(subscriber => subscriber.ReadAsync(http, closing.Token)).ToArray();
        try
        {
            await Task.WhenAll(open.Select(subscriber => subscriber.Ready)).WaitAsync(TimeSpan.FromSeconds(30), ct);
            // Work left over from the start (tiered compilation, timers, a last checkpoint) does not count as idle.
            await Task.Delay(TimeSpan.FromSeconds(10), ct);
            var before = host.Process.Read();
            var watch = Stopwatch.StartNew();
            await Task.Delay(plan.Idle, ct);
            var after = host.Process.Read();
            var secs = watch.Elapsed.TotalSeconds;
            if (hold.Process.HasExited || Array.Exists(reading, task => task.IsCompleted))
                throw new BenchmarkException($"a waiting agent or a stream ended while the host idled:\n{hold.Tail()}");

            var percent = (after.CpuSeconds - before.CpuSeconds) / secs * 100;
            var threads = after
                .WakeUps.Select(thread =>
                    (thread.Key, PerSecond: (thread.Value - before.WakeUps.GetValueOrDefault(thread.Key)) / secs)
                )
                .OrderByDescending(thread => thread.PerSecond)
                .ToArray();
            plan.Report.Line(
                $"{secs:0} s: {Report.Fraction(percent)} % of one core; {after.Reads - before.Reads} reads "
                    + $"({after.BytesRead - before.BytesRead} bytes), "
                    + $"{after.Writes - before.Writes} writes ({after.BytesWritten - before.BytesWritten} "
                    + $"bytes), {after.DiskBytesWritten - before.DiskBytesWritten} bytes to storage."
            );
            plan.Report.Line(
                $"Wake-ups per second: {Report.Fraction(threads.Sum(t => t.PerSecond))}; most by "
                    + string.Join(", ", threads.Take(5).Select(t => $"{t.Key} {Report.Fraction(t.PerSecond)}"))
                    + "."
            );
            plan.Report.Keep(
                "idle",
                new
                {
                    seconds = secs,
                    cpu_percent = percent,
                    reads = after.Reads - before.Reads,
                    writes = after.Writes - before.Writes,
                    disk_bytes_written = after.DiskBytesWritten - before.DiskBytesWritten,
                    wake_ups_per_second = threads.ToDictionary(t => t.Key, t => t.PerSecond),
                }
            );
            await KeepMemory(plan, host, "idling", ct);
        }
        finally
        {
            await closing.CancelAsync();
            await Task.WhenAll(reading).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            await plan.Scratch.StopAsync(hold);
        }
    }

    private static async Task Memory(Plan plan, CancellationToken ct)
    {
        plan.Report.Title("Memory of a host that has done nothing yet");
        await using (var host = await HiveHost.StartAsync(plan, 10, ct))
        {
            // With tasks, both have started with all that they hold.
            if (plan.OpenTasks > 0)
                await host.Restart(plan, ct);
            await KeepMemory(plan, host, "ten agents were created", ct);
        }

        if (plan.OpenTasks == 0)
            return;
        await using var filled = await Filled(plan, 10, ct);
        await KeepMemory(plan, filled, $"its start {TasksName(plan)}", ct);
    }
}
