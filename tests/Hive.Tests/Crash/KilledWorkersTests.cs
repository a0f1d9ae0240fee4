using System.Collections.Concurrent;
using System.Net.Sockets;
using System.Text.Json;
using Dapper;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;
using Microsoft.Data.Sqlite;

namespace Hive.Tests.Crash;

/// <summary>Agents at 64 connections work on tasks, while they and the host are killed at random.</summary>
public sealed class KilledWorkersTests
{
    private const int Agents = 64;
    private const int PairsPerTicket = 6;
    private static readonly int Tickets = Ring.Count(8, inLong: 16);
    private static readonly int TasksOfAll = Tickets * PairsPerTicket * 2;
    private static readonly int Kills = Ring.Count(2, inLong: 5);

    private const string Workflow = """
        name: race
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_END]
            next: PHASE_END
            gate:
              criteria:
                - tasks_complete: true
          - id: PHASE_END
            name: End
            status: done
            terminal: true
        board_columns:
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    [Fact]
    [Sampled]
    public async Task No_task_is_lost_or_worked_on_twice_when_host_and_agents_are_killed()
    {
        var random = Ring.Random();
        // A task of an agent that does not come back soon is given to another.
        await using var host = await ChildHost.Start(
            "external",
            "--Tasks:StartSeconds",
            "2",
            "--Tasks:LostSeconds",
            "1"
        );
        string[] names = [.. Enumerable.Range(0, Agents).Select(i => $"w{i}")];
        await Prepare(host, names);

        using var work = new Work(host);
        var workers = names
            .Select(name => new Worker(work, name, new Random(random.Next())))
            .Select(worker => Task.Run(worker.Run))
            .ToArray();
        try
        {
            for (var kill = 0; kill < Kills; kill++)
            {
                var first = TasksOfAll * ((2 * kill) + 1) / (2 * Kills);
                await work.Completed(first + random.Next(TasksOfAll / (3 * Kills)));
                LegalRows.CheckAll(host.DataDir);
                await work.KillHost();
                LegalRows.CheckAll(host.DataDir);
            }

            await work.AllEnded();
        }
        finally
        {
            work.GiveUp();
            await Task.WhenAll(workers);
        }

        LegalRows.CheckAll(host.DataDir);
        LegalRows.In(
            host.DataDir,
            db =>
            {
                Assert.Equal(
                    [("completed", TasksOfAll)],
                    db.Query<(string, long)>("SELECT status, count(*) FROM tasks GROUP BY status")
                );
                Assert.Equal(Tickets, db.ExecuteScalar<long>("SELECT count(*) FROM tickets WHERE status = 'done'"));
                Assert.Equal(0, db.ExecuteScalar<long>("SELECT count(*) FROM runs WHERE ended_at IS NULL"));
                // The first agent that was killed came back too late.
                Assert.True(
                    db.ExecuteScalar<long>("SELECT count(*) FROM runs WHERE end IN ('lost', 'not_started')") > 0
                );
                // Each completion that an agent has an answer for is the one of its run.
                var stored = db.Query<(long Run, long Task, string Agent)>(
                        "SELECT id, task, agent FROM runs WHERE end = 'completed'"
                    )
                    .ToHashSet();
                Assert.All(work.Told, told => Assert.Contains(told, stored));
                Assert.Equal(work.Told.Count, work.Told.Select(told => told.Task).Distinct().Count());
                return 0;
            }
        );
    }

    private static async Task Prepare(ChildHost host, string[] names)
    {
        using var line = await host.Operator();
        await line.CallAsync("workflow_load", new { text = Workflow });
        foreach (var name in names)
        {
            var applied = Directory.CreateDirectory(Path.Combine(host.DataDir, "applied", name)).FullName;
            await File.WriteAllTextAsync(Path.Combine(applied, "agent.yaml"), "duty: worker\n");
            await line.CallAsync("spawn", new { name, runtime = "external" });
        }

        for (var i = 0; i < Tickets; i++)
        {
            var tasks = Enumerable
                .Range(0, PairsPerTicket)
                .SelectMany(pair => new[] { TaskRig.New($"first{pair}"), TaskRig.New($"then{pair}", $"first{pair}") });
            await line.CallAsync(
                "ticket_create",
                new
                {
                    title = $"Ticket {i}",
                    workflow = "race",
                    tasks,
                }
            );
        }
    }

    /// <summary>Shared by all agents: the host that comes and goes, and what they were told.</summary>
    private sealed class Work(ChildHost host) : IDisposable
    {
        private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(100);
        private readonly CancellationTokenSource patience = new(TimeSpan.FromMinutes(3));
        private readonly SemaphoreSlim completed = new(0);

        // Never released.
        private readonly SemaphoreSlim paused = new(0);
        private volatile TaskCompletionSource up = Up();
        private int losses;

        public ConcurrentDictionary<(long Run, long Task, string Agent), bool> ToldOf { get; } = [];

        public ICollection<(long Run, long Task, string Agent)> Told => ToldOf.Keys;

        /// <summary>True once: the first agent with a task is killed, and stays away until the task is
        /// another's.</summary>
        public bool IsFirst => Interlocked.Exchange(ref losses, 1) == 0;

        public bool IsOver => patience.IsCancellationRequested;

        /// <summary>Nothing is left to do, or something went wrong.</summary>
        public void GiveUp() => patience.Cancel();

        /// <summary>Waits until the host has ended a run.</summary>
        public async Task Ended(long run)
        {
            while (!IsOver)
            {
                await up.Task.WaitAsync(patience.Token);
                try
                {
                    if (IsEnded(run))
                        return;
                }
                catch (SqliteException)
                {
                    // The host was killed while this read.
                }

                await paused.WaitAsync(Pause, patience.Token);
            }
        }

        public void Tell(long run, long task, string agent)
        {
            if (ToldOf.TryAdd((run, task, agent), true))
                completed.Release();
        }

        /// <summary>Waits until so many tasks are completed. An agent that was killed while it completed one may never
        /// be told.</summary>
        public async Task Completed(int tasks)
        {
            while (ToldOf.Count < tasks && Stored() < tasks)
                await completed.WaitAsync(Pause, patience.Token);
        }

        public async Task<LineClient> Connect(string name)
        {
            while (true)
            {
                await up.Task.WaitAsync(patience.Token);
                try
                {
                    var line = await host.Connect(name);
                    // As a harness does that has started: what its earlier connections held comes again.
                    await line.CallAsync("requeue_inflight");
                    return line;
                }
                catch (Exception e) when (e is IOException or SocketException)
                {
                    patience.Token.ThrowIfCancellationRequested();
                }
            }
        }

        public async Task KillHost()
        {
            up = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            await host.Kill();
            await host.Run();
            up.SetResult();
        }

        /// <summary>Waits until no task is open; a person looks at those that were lost too often.</summary>
        public async Task AllEnded()
        {
            using var line = await host.Operator();
            while (
                LegalRows.In(
                    host.DataDir,
                    db =>
                        db.Query<(long Id, long Held)>("SELECT id, holds & 128 FROM tasks WHERE completed_at IS NULL")
                            .ToArray()
                )
                    is { Length: > 0 } open
            )
            {
                foreach (var (id, _) in open.Where(task => task.Held != 0))
                    await line.CallAsync("change_task", new { id, action = "release" });
                await completed.WaitAsync(Pause, patience.Token);
            }

            while (
                (await line.CallAsync("tickets", new { status = "building" })).GetProperty("tickets").GetArrayLength()
                > 0
            )
                patience.Token.ThrowIfCancellationRequested();
        }

        private long Stored() =>
            LegalRows.In(
                host.DataDir,
                db => db.ExecuteScalar<long>("SELECT count(*) FROM tasks WHERE status = 'completed'")
            );

        private bool IsEnded(long run) =>
            LegalRows.In(
                host.DataDir,
                db =>
                    db.ExecuteScalar<bool>(
                        "SELECT count(*) FROM runs WHERE id = @run AND ended_at IS NOT NULL",
                        new { run }
                    )
            );

        public void Dispose()
        {
            patience.Dispose();
            paused.Dispose();
            completed.Dispose();
        }

        private static TaskCompletionSource Up()
        {
            var up = new TaskCompletionSource();
            up.SetResult();
            return up;
        }
    }

    /// <summary>An agent whose process is killed now and then: its connection is gone, and it knows nothing when it
    /// comes back.</summary>
    private sealed class Worker(Work work, string name, Random random)
    {
        // One of so many tasks ends its agent at each of the moments.
        private const int Rarity = 12;

        // The run that no turn holds and that its killed agent had not asked to complete.
        private long? abandoned;
        private bool isLate;

        private enum Moment
        {
            Received,
            Begun,
            Completing,
            Completed,
            None,
        }

        public async Task Run()
        {
            try
            {
                while (!work.IsOver)
                    await Live();
            }
            catch (OperationCanceledException) when (work.IsOver)
            {
                // It was waiting for the host.
            }
            catch
            {
                work.GiveUp();
                throw;
            }
        }

        // From one start of its process to the next.
        private async Task Live()
        {
            using var line = await work.Connect(name);
            abandoned = null;
            try
            {
                while (!work.IsOver && await IsAlive(line))
                    continue;
            }
            catch (Exception e) when (e is IOException or SocketException)
            {
                // The host was killed; this agent was not.
                return;
            }

            line.Dispose();
            // Every second stays away until its task is another's.
            if (abandoned is { } run && (isLate || random.Next(2) == 0))
                await work.Ended(run);
        }

        // False when this agent is killed.
        private async Task<bool> IsAlive(LineClient line)
        {
            if (await line.Receive(max: 1, wait: 1) is not [var message])
                return true;
            var body = JsonElement.Parse(message.Body);
            if (body.Text("event") != "task_assigned")
            {
                await line.CallAsync("ack", new { ids = new[] { message.Id } });
                return true;
            }

            var end = (Moment)Math.Min(random.Next(Rarity), (int)Moment.None);
            var (task, run) = (body.Number("id"), body.Number("run"));
            abandoned = run;
            isLate = work.IsFirst;
            if (isLate || end == Moment.Received)
                return false;
            // Half of the agents are harnesses with turns; the others call the tools only.
            long? turn = null;
            if (random.Next(2) == 0)
            {
                turn = (
                    await line.CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = "system" })
                ).Number("turn");
                abandoned = null;
            }
            else
            {
                await Tolerant(
                    line.CallAsync(
                        "report_progress",
                        new
                        {
                            task,
                            run,
                            text = "begun",
                        }
                    )
                );
            }

            if (end == Moment.Begun)
                return false;
            abandoned = null;
            var completing = line.CallAsync(
                "complete_task",
                new
                {
                    task,
                    run,
                    summary = "done",
                    key = $"{task}-{run}",
                }
            );
            if (end == Moment.Completing)
            {
                _ = completing.ContinueWith(t => t.Exception, TaskScheduler.Default);
                return false;
            }

            if (await Tolerant(completing))
                work.Tell(run, task, name);
            if (end == Moment.Completed)
                return false;
            if (turn is null)
                await line.CallAsync("ack", new { ids = new[] { message.Id } });
            else
                await line.CallAsync("end_turn", new { turn, result = "ok" });
            return true;
        }

        // False when the run has ended, because the agent was away.
        private static async Task<bool> Tolerant(Task call)
        {
            try
            {
                await call;
                return true;
            }
            catch (HiveException e) when (e.Code == "conflict")
            {
                return false;
            }
        }
    }
}
