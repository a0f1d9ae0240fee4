using System.Data.Common;
using System.Threading.Channels;
using Dapper;
using Hive.Common.Activities;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;

namespace Hive.Tests.Tasks;

/// <summary>The scheduler over a real store, with a table of tasks of the test's own.</summary>
internal sealed class DispatcherRig : IAsyncDisposable, IActivities
{
    private readonly string folder = Directory.CreateTempSubdirectory("hive-").FullName;
    private readonly Dictionary<string, string> activities = [];
    private readonly AgentRowSignal signal = new();
    private readonly Reactions reactions;
    private readonly LoggerFactory logging;

    public DispatcherRig()
    {
        logging = new LoggerFactory([Log]);
        reactions = new Reactions(new ServiceCollection().BuildServiceProvider(), NullLogger<Reactions>.Instance);
        Store = new SqliteStore(
            Path.Combine(folder, "hive.sqlite"),
            [new AgentsSchema(), new AgentStatusSchema(), new StoredTasks.Schema()],
            new CommitPublisher(
                new Lazy<IEnumerable<ICommitObserver>>(() => [Watch!]),
                reactions,
                NullLogger<CommitPublisher>.Instance
            ),
            Clock,
            NullLogger<SqliteStore>.Instance
        );
        reactions.StartAsync(CancellationToken.None);
        Roster = new Roster(Clock);
        Ready = new ReadyTasks(Workflows, new HiveOptions(), Clock);
        Tasks = new StoredTasks(Ready);
        Watch = new ConditionWatch(Roster, this, Ready, signal, Clock);
        Dispatcher = new Dispatcher(
            Store,
            Ready,
            Watch,
            new AgentStatusLog(Store, Clock),
            Tasks,
            Tasks,
            Clock,
            logging.CreateLogger<Dispatcher>()
        );
    }

    public ManualClock Clock { get; } = new(new DateTimeOffset(2026, 11, 1, 9, 0, 0, TimeSpan.Zero));

    public LoggedLines Log { get; } = new();

    public LimitedWorkflows Workflows { get; } = new();

    public SqliteStore Store { get; }

    public Roster Roster { get; }

    public ReadyTasks Ready { get; }

    public StoredTasks Tasks { get; }

    public ConditionWatch Watch { get; }

    public Dispatcher Dispatcher { get; }

    public long Now => Clock.GetUtcNow().ToUnixTimeMilliseconds();

    /// <summary>Adds an agent; without an activity it does not run.</summary>
    public async Task Add(string agent, int capacity = 1, params string[] capabilities)
    {
        var work = new AgentWork(Hive.Common.Doors.Duty.Worker, capabilities, capacity, null, []);
        await Store.Write(write => Roster.Add(write, new AgentEntry(agent, "external", Configured: work)));
        Watch.HasChanged(agent);
    }

    /// <summary>Lets an agent do something else, as its harness or its container reports it.</summary>
    public void Set(string agent, string activity)
    {
        lock (activities)
            activities[agent] = activity;
        signal.Mark(agent);
    }

    /// <summary>Stores tasks and tells the queue of them, in one write.</summary>
    public Task Put(params QueuedTask[] tasks) =>
        Store.Write(write =>
        {
            foreach (var task in tasks)
                Tasks.Put(write, task);
        });

    /// <inheritdoc />
    public Activity? Of(string agent)
    {
        lock (activities)
            return activities.TryGetValue(agent, out var state) ? new Activity(state, Clock.GetUtcNow()) : null;
    }

    public async ValueTask DisposeAsync()
    {
        await Dispatcher.StopAsync(CancellationToken.None);
        Dispatcher.Dispose();
        await reactions.StopAsync(CancellationToken.None);
        Store.Dispose();
        logging.Dispose();
        Directory.Delete(folder, recursive: true);
    }
}

/// <summary>Claims of tasks whose rows have an agent or none.</summary>
internal sealed class StoredTasks(ReadyTasks ready) : IClaims, IReadyTasksLoader
{
    private readonly Channel<(long Task, string Agent)> claimed = Channel.CreateUnbounded<(long, string)>();

    /// <summary>The tasks whose claim fails with an error.</summary>
    public HashSet<long> Broken { get; } = [];

    /// <summary>The agents whose budget refuses the next claim, and has enough left after that.</summary>
    public HashSet<string> Short { get; } = [];

    /// <summary>The next claim that was committed.</summary>
    public async Task<(long Task, string Agent)> Claimed()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        return await claimed.Reader.ReadAsync(patience.Token);
    }

    public void Put(IWrite write, QueuedTask task)
    {
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO tasks (id, priority, ready_at, agent)
            VALUES (@Id, @Priority, @ReadyAt, @Agent)
            """,
            new
            {
                task.Id,
                task.Priority,
                task.ReadyAt,
                task.Agent,
            }
        );
        ready.Put(write, task);
    }

    public ClaimResult Claim(IWrite write, long task, string agent)
    {
        if (Broken.Contains(task))
            throw new InvalidOperationException($"task {task} is broken");
        if (Short.Remove(agent))
            return ClaimResult.OtherAgent;
        if (
            write.Db.Execute(
                "UPDATE tasks SET agent = @agent, ready_at = NULL WHERE id = @task AND ready_at IS NOT NULL",
                new { task, agent }
            ) == 0
        )
            return ClaimResult.NotReady;
        ready.Put(write, SchedulerRig.Task(task, 0).GivenTo(agent));
        write.AfterCommit(() => claimed.Writer.TryWrite((task, agent)));
        return ClaimResult.Claimed;
    }

    // No budget holds a task here.
    public ClaimResult HoldFor(IWrite write, long task, IReadOnlyList<string> agents) => ClaimResult.OtherAgent;

    public bool LetGo(IWrite write, long task) =>
        Broken.Contains(task) ? throw new InvalidOperationException($"task {task} is broken") : false;

    public IReadOnlyList<QueuedTask> Load(DbConnection db) =>
        [
            .. db.Query<(long Id, long Priority, long? ReadyAt, string? Agent)>(
                    "SELECT id, priority, ready_at, agent FROM tasks"
                )
                .Select(row =>
                    SchedulerRig.Task(row.Id, 0, (int)row.Priority) with
                    {
                        ReadyAt = row.ReadyAt,
                        Agent = row.Agent,
                        Active = row.Agent is not null,
                    }
                ),
        ];

    public IEnumerable<(long Ticket, string Agent)> Worked(DbConnection db) => [];

    internal sealed class Schema : ISchema
    {
        public string Slice => "tasks";

        public int Version => 1;

        public void Converge(SchemaEditor editor)
        {
            editor.Run(
                """
                CREATE TABLE IF NOT EXISTS tasks (
                    id       INTEGER PRIMARY KEY,
                    priority INTEGER NOT NULL DEFAULT 2,
                    ready_at INTEGER,
                    agent    TEXT
                )
                """
            );
            // Checked only at the commit, so that a test can make the commit itself fail.
            editor.Run(
                "CREATE TABLE IF NOT EXISTS loose (parent INTEGER REFERENCES tasks (id) DEFERRABLE INITIALLY DEFERRED)"
            );
        }
    }
}
