using System.Data.Common;
using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Features.Workflows;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using MediatR;

namespace Hive.Benchmarks;

/// <summary>Measures the queue of ready tasks in this process: its changes and its next task beside a queue that scores
/// every task each time, and the first ten tasks of a graph after each completed one.</summary>
internal static class QueueFigure
{
    private const int TasksPerTicket = 500;
    private static readonly string[] Phases = ["PHASE_REQUIREMENTS", "PHASE_IMPLEMENTATION", "PHASE_TESTING"];
    private static readonly string[] Words = ["csharp", "docs", "review"];

    /// <summary>A task is put, the next one taken, and time passes, with a hundred thousand others.</summary>
    public static Task Queue(Plan plan, CancellationToken ct)
    {
        const int ready = 100_000,
            steps = 20_000,
            warmUp = 2_000,
            peerEvery = 100;
        plan.Report.Title($"The queue with {Report.Number(ready)} ready tasks");
        var (clock, random, write) = (new StepClock(), new Random(1), new NoWrite());
        var queue = new ReadyTasks(new ShippedWorkflows(), new HiveOptions(), clock);
        queue.Set("ann", Everything);
        Dictionary<long, QueuedTask> peer = [];
        for (var id = 1; id <= ready; id++)
            Put(queue, peer, write, Random(id, clock.Now, random));
        List<double> puts = [],
            nexts = [],
            advances = [],
            peerNexts = [];
        for (var step = -warmUp; step < steps; step++)
        {
            ct.ThrowIfCancellationRequested();
            var task = Random(ready + warmUp + step + 1, clock.Now, random);
            var put = Time(() => Put(queue, peer, write, task));
            clock.Now += random.Next(2_000);
            var advance = Time(() => queue.Advance(int.MaxValue));
            QueuedTask? first = null;
            var next = Time(() => first = queue.Next()!.Task);
            if (step % peerEvery == 0)
            {
                QueuedTask? slow = null;
                peerNexts.Add(Time(() => slow = Naive(peer.Values, clock.Now)));
                if (slow!.Id != first!.Id)
                    throw new BenchmarkException($"the queue gave task {first.Id}, scoring all of them {slow.Id}");
            }

            queue.Remove(write, first!.Id);
            peer.Remove(first.Id);
            if (step < 0)
                continue;
            puts.Add(put);
            advances.Add(advance);
            nexts.Add(next);
        }

        plan.Report.Line($"{Report.Number(steps)} steps, microseconds:");
        plan.Report.Line("");
        plan.Report.Line("| operation | p50 | p99 | max |");
        plan.Report.Line("|---|---|---|---|");
        Row(plan, "put a task", puts);
        Row(plan, "time passes (up to 2 s)", advances);
        Row(plan, "next task and its agent", nexts);
        Row(plan, "next task by scoring all", peerNexts);
        return Task.CompletedTask;
    }

    /// <summary>The first ten tasks after each completed one, of graphs of three sizes.</summary>
    public static Task Dag(Plan plan, CancellationToken ct)
    {
        const int completions = 10_000;
        plan.Report.Title("The first ten ready tasks of a graph, after each completed task");
        plan.Report.Line("Microseconds for the completion, its dependents and the first ten:");
        plan.Report.Line("");
        plan.Report.Line("| tasks | p50 | p99 | max |");
        plan.Report.Line("|---|---|---|---|");
        foreach (var tasks in new[] { 1_000, 10_000, 100_000 })
        {
            List<double> took = [];
            var (clock, random) = (new StepClock(), new Random(1));
            // The first graph warms up.
            for (var graph = 0; took.Count < completions; graph++)
            {
                var dag = new Graph(tasks, clock, random);
                for (var n = 0; n < Math.Min(tasks * 9 / 10, completions) && took.Count < completions; n++)
                {
                    ct.ThrowIfCancellationRequested();
                    clock.Now += random.Next(200);
                    var step = Time(() => dag.Complete());
                    if (graph > 0)
                        took.Add(step);
                }
            }

            Row(plan, Report.Number(tasks), took);
        }

        return Task.CompletedTask;
    }

    private static void Row(Plan plan, string name, List<double> took)
    {
        double p50 = Report.Percentile(took, 0.50),
            p99 = Report.Percentile(took, 0.99);
        plan.Report.Line(
            $"| {name} | {Report.Fraction(p50)} | {Report.Fraction(p99)} | {Report.Fraction(took.Max())} |"
        );
        plan.Report.Keep(
            "queue",
            new
            {
                name,
                count = took.Count,
                p50_us = p50,
                p99_us = p99,
                max_us = took.Max(),
            }
        );
    }

    private static double Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start).TotalMicroseconds;
    }

    private static TaskScore Score { get; } = new(new TasksOptions());

    private static QueuedTask Naive(IEnumerable<QueuedTask> tasks, long now)
    {
        QueuedTask? first = null;
        var best = (Score: Int128.Zero, Rank: 0.0, Id: 0L);
        foreach (var task in tasks)
        {
            var place = (-Score.Of(task, now), task.Rank, task.Id);
            if (first is null || place.CompareTo(best) < 0)
                (first, best) = (task, place);
        }

        return first!;
    }

    private static void Put(ReadyTasks queue, Dictionary<long, QueuedTask> peer, IWrite write, QueuedTask task)
    {
        queue.Put(write, task);
        peer.Add(task.Id, task);
    }

    private static AgentProfile Everything { get; } =
        new(
            Duty.Worker,
            new AgentWork(Duty.Worker, Words, AgentWork.MaxCapacity, null, []),
            AgentWork.MaxCapacity,
            CanTake: true,
            CanWork: true,
            InTurn: false
        );

    private static QueuedTask Random(long id, long now, Random random) =>
        new(
            id,
            id / TasksPerTicket,
            "software_development",
            Phases[random.Next(Phases.Length)],
            Duty.Worker,
            [.. Words.Where(_ => random.Next(2) == 0)],
            WantsAgent: null,
            Prefers: null,
            Priority: random.Next(1, 5),
            Rank: random.Next(1_000),
            Dependents: random.Next(0, 12),
            RetryCount: 0,
            DeadlineAt: random.Next(3) == 0 ? now + random.Next(10_000_000) : null,
            ReadyAt: now - random.Next(8_000_000),
            Agent: null,
            Active: false,
            Failed: []
        );

    /// <summary>Tickets of 500 tasks, each of which waits for up to three earlier ones of its ticket.</summary>
    private sealed class Graph
    {
        private readonly ReadyTasks queue;
        private readonly StepClock clock;
        private readonly NoWrite write = new();
        private readonly List<long>[] dependents;
        private readonly int[] missing;
        private readonly QueuedTask[] tasks;
        private IReadOnlyList<long> first;

        public Graph(int count, StepClock clock, Random random)
        {
            this.clock = clock;
            queue = new ReadyTasks(new ShippedWorkflows(), new HiveOptions(), clock);
            (dependents, missing) = ([.. Enumerable.Range(0, count).Select(_ => new List<long>())], new int[count]);
            for (var id = 0; id < count; id++)
            {
                var earlier = id % TasksPerTicket;
                foreach (
                    var on in Enumerable
                        .Range(0, Math.Min(3, earlier))
                        .Select(_ => id - 1 - random.Next(earlier))
                        .Distinct()
                )
                {
                    dependents[on].Add(id);
                    missing[id]++;
                }
            }

            tasks =
            [
                .. Enumerable
                    .Range(0, count)
                    .Select(id => Random(id, clock.Now, random) with { Dependents = dependents[id].Count }),
            ];
            for (var id = 0; id < count; id++)
            {
                if (missing[id] == 0)
                    queue.Put(write, tasks[id]);
            }

            first = queue.First(10);
        }

        public void Complete()
        {
            var done = first[0];
            queue.Remove(write, done);
            foreach (var next in dependents[done])
            {
                if (--missing[next] == 0)
                    queue.Put(write, tasks[next] with { ReadyAt = clock.Now });
            }

            first = queue.First(10);
        }
    }

    private sealed class StepClock : TimeProvider
    {
        public long Now { get; set; } = 1_800_000_000_000;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.FromUnixTimeMilliseconds(Now);
    }

    /// <summary>A write of memory alone that is never taken back.</summary>
    private sealed class NoWrite : IWrite
    {
        public DbConnection Db => throw new InvalidOperationException("the queue needs no database");

        public long Batch => 0;

        public Statement Prepare([ConstantExpected] string sql) =>
            throw new InvalidOperationException("the queue needs no database");

        public void Raise(INotification notification) { }

        public void AfterCommit(Action action) { }

        public void OnRollback(Action undo) { }
    }

    private sealed class ShippedWorkflows : IWorkflows
    {
        public IReadOnlyList<WorkflowView> All => [];

        public Workflow Default => Shipped.Workflow;

        public IReadOnlyList<PatternView> Patterns => [];

        public Workflow Find(string name) => Shipped.Workflow;

        public Workflow Require(string? name) => Shipped.Workflow;

        public Pattern RequirePattern(string name) =>
            throw new InvalidOperationException("this figure needs no patterns");
    }
}
