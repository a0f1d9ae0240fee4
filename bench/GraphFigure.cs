using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>Measures tasks that depend on each other, with their rows and at the doors: the list of the next ten after
/// each completed task, and the way from a completed task to the agent that waits for its dependent.</summary>
internal static class GraphFigure
{
    private const int Capacity = 16,
        TasksPerTicket = 500,
        MostCompletions = 10_000,
        MostNeeds = 3;

    /// <summary>The next ten ready tasks after each completed one, among a thousand to a hundred thousand.</summary>
    public static async Task Next(Plan plan, CancellationToken ct)
    {
        plan.Report.Title("The next ten ready tasks after each completed one, with their rows");
        plan.Report.Line("| tasks | what | p50 ms | p99 ms | max ms |");
        plan.Report.Line("|---|---|---|---|---|");
        foreach (var tasks in new[] { 1_000, 10_000, 100_000 })
        {
            await using var host = await HiveHost.StartAsync(plan, 1, ct);
            using var http = host.Http();
            using var client = await host.Operator(ct);
            await Filling.Load(client, ct);
            var watch = Stopwatch.StartNew();
            await Filling.Each(host.Operator, tasks / TasksPerTicket, (line, n) => Graph(line, n, ct), ct);
            plan.Report.Progress($"dag-rows: made {tasks} tasks in {watch.Elapsed.TotalSeconds:0.0} s");
            await Filling.Workers(http, host.Agents, Capacity, ct);
            var (completed, listed) = await Complete(host, http, Math.Min(tasks * 9 / 10, MostCompletions), ct);
            Row(plan, tasks, "a task is completed", completed);
            Row(plan, tasks, "the next ten are listed", listed);
            await Figures.KeepMemory(plan, host, $"{Report.Number(tasks)} tasks", ct);
        }
    }

    /// <summary>From the start of a completion to the whole answer of the agent that waits for the dependent
    /// task.</summary>
    public static async Task React(Plan plan, CancellationToken ct)
    {
        const int reactions = 1_000,
            warmUp = 200;
        plan.Report.Title("From a completed task to the waiting agent of its dependent, idle host");
        await using var host = await HiveHost.StartAsync(plan, 2, ct);
        using var http = host.Http();
        using var client = await host.Operator(ct);
        await Filling.Load(client, ct);
        await Filling.Workers(http, host.Agents, Capacity, ct);
        LineClient[] acting = [await host.Agent(0, ct), await host.Agent(1, ct)];
        LineClient[] waiting = [await host.Agent(0, ct), await host.Agent(1, ct)];
        List<double> took = [];
        var done = -warmUp;
        while (took.Count < reactions)
        {
            // A chain whose tasks are the two agents' by turns.
            await Filling.Ticket(
                client,
                "A chain",
                [
                    .. Enumerable
                        .Range(0, Filling.AtOnce)
                        .Select(i => Filling.Job(i, host.Agents[i % 2], i == 0 ? [] : [$"t{i - 1}"])),
                ],
                ct
            );
            var task = await Given(waiting[0], acting[0], ct);
            for (var i = 1; i < Filling.AtOnce; i++)
            {
                var (from, to) = ((i - 1) % 2, i % 2);
                var receiving = waiting[to].CallAsync("recv", new { wait_seconds = 30 }, ct);
                // Until the host has the waiting request, and is idle.
                await Task.Delay(2, ct);
                var start = Stopwatch.GetTimestamp();
                var completing = Complete(acting[from], task, ct);
                var answer = await receiving;
                var elapsed = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
                await completing;
                task = await Taken(answer, acting[to], ct);
                if (++done > 0)
                    took.Add(elapsed);
            }

            await Complete(acting[1], task, ct);
        }

        foreach (var line in acting.Concat(waiting))
            line.Dispose();
        plan.Report.Line(
            $"{took.Count} tasks, one after another: p50 {Report.Fraction(Report.Percentile(took, 0.50))} ms, p99 "
                + $"{Report.Fraction(Report.Percentile(took, 0.99))} ms, max {Report.Fraction(took.Max())} ms."
        );
        plan.Report.Keep(
            "react",
            new
            {
                count = took.Count,
                p50_ms = Report.Percentile(took, 0.50),
                p99_ms = Report.Percentile(took, 0.99),
                max_ms = took.Max(),
            }
        );
        await Figures.KeepMemory(plan, host, "the chains", ct);
    }

    // Each task waits for up to three earlier ones; those of a later part know the earlier ones by id.
    private static async Task Graph(LineClient host, int number, CancellationToken ct)
    {
        var random = new Random(number);
        List<long> made = [];
        var ticket = 0L;
        for (var from = 0; from < TasksPerTicket; from += Filling.AtOnce)
        {
            var jobs = Enumerable
                .Range(from, Math.Min(Filling.AtOnce, TasksPerTicket - from))
                .Select(i =>
                    Filling.Job(
                        i,
                        null,
                        [
                            .. Enumerable
                                .Range(0, Math.Min(MostNeeds, i))
                                .Select(_ => random.Next(i))
                                .Distinct()
                                .Select(on => on < made.Count ? (object)made[on] : $"t{on}"),
                        ]
                    )
                )
                .ToArray();
            if (from == 0)
            {
                ticket = await Filling.Ticket(host, $"Graph {number}", jobs, ct);
                var stored = await host.CallAsync("tasks", new { ticket, limit = Filling.AtOnce }, ct);
                made.AddRange(Ids(stored).Order());
            }
            else
            {
                made.AddRange(Ids(await host.CallAsync("add_tasks", new { ticket, tasks = jobs }, ct)));
            }
        }
    }

    private static IEnumerable<long> Ids(JsonElement answer) =>
        answer.GetProperty("tasks").EnumerateArray().Select(task => task.GetProperty("id").GetInt64());

    private static async Task<(List<double> Completed, List<double> Listed)> Complete(
        HiveHost host,
        HttpClient http,
        int count,
        CancellationToken ct
    )
    {
        const int warmUp = 300;
        using var line = await host.Agent(0, ct);
        List<double> completed = [],
            listed = [];
        Queue<(long, long)> given = [];
        for (var n = -Math.Min(warmUp, count / 10); n < count; n++)
        {
            while (given.Count == 0)
            {
                var messages = (await line.CallAsync("recv", new { wait_seconds = 30, max = 32 }, ct)).GetProperty(
                    "messages"
                );
                if (messages.GetArrayLength() == 0)
                    throw new BenchmarkException($"no task came for 30 s after {n} were completed");
                foreach (var message in messages.EnumerateArray())
                {
                    if (Filling.TaskOf(message) is { } task)
                        given.Enqueue(task);
                }

                await line.CallAsync("ack", new { all = true }, ct);
            }

            var start = Stopwatch.GetTimestamp();
            await Complete(line, given.Dequeue(), ct);
            var between = Stopwatch.GetTimestamp();
            _ = await http.GetByteArrayAsync(new Uri("/api/v1/scheduler/ready-tasks?limit=10", UriKind.Relative), ct);
            if (n < 0)
                continue;
            completed.Add(Stopwatch.GetElapsedTime(start, between).TotalMilliseconds);
            listed.Add(Stopwatch.GetElapsedTime(between).TotalMilliseconds);
        }

        return (completed, listed);
    }

    private static Task<JsonElement> Complete(LineClient line, (long Id, long Run) task, CancellationToken ct) =>
        line.CallAsync(
            "complete_task",
            new
            {
                task = task.Id,
                run = task.Run,
                summary = "The change is made, and its tests pass.",
            },
            ct
        );

    private static async Task<(long Id, long Run)> Given(LineClient waiting, LineClient acting, CancellationToken ct)
    {
        while (true)
        {
            var answer = await waiting.CallAsync("recv", new { wait_seconds = 30 }, ct);
            if (Filling.TaskOf(answer.GetProperty("messages")[0]) is not null)
                return await Taken(answer, acting, ct);
            // The host's greeting of a new agent.
            await acting.CallAsync("ack", new { all = true }, ct);
        }
    }

    private static async Task<(long Id, long Run)> Taken(JsonElement answer, LineClient acting, CancellationToken ct)
    {
        var messages = answer.GetProperty("messages");
        if (messages.GetArrayLength() != 1 || Filling.TaskOf(messages[0]) is not { } task)
            throw new BenchmarkException($"instead of one task came {messages}");
        await acting.CallAsync("ack", new { ids = new[] { messages[0].GetProperty("id").GetInt64() } }, ct);
        return task;
    }

    private static void Row(Plan plan, int tasks, string what, List<double> took)
    {
        double p50 = Report.Percentile(took, 0.50),
            p99 = Report.Percentile(took, 0.99);
        plan.Report.Line(
            $"| {Report.Number(tasks)} | {what} | {Report.Fraction(p50)} | {Report.Fraction(p99)} | "
                + $"{Report.Fraction(took.Max())} |"
        );
        plan.Report.Keep(
            "dag_rows",
            new
            {
                tasks,
                what,
                count = took.Count,
                p50_ms = p50,
                p99_ms = p99,
                max_ms = took.Max(),
            }
        );
    }
}
