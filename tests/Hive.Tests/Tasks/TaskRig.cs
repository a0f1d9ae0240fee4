using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Tasks;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

/// <summary>A host whose tickets stand where a test wants them, and workers at their sockets.</summary>
internal sealed class TaskRig : IAsyncDisposable
{
    public const string Phase = "PHASE_IMPLEMENTATION";

    // Has no templates.
    public const string Plain = "PHASE_BACKLOG";

    private readonly Dictionary<string, LineClient> lines = [];

    private TaskRig(HiveFixture hive, LineClient host) => (Hive, Host) = (hive, host);

    public HiveFixture Hive { get; }

    public LineClient Host { get; private set; }

    public TableTickets Tickets => Hive.Services.GetRequiredService<TableTickets>();

    public static async Task<TaskRig> Start(Action<IServiceCollection>? more = null)
    {
        var hive = await HiveFixture.StartWith(services =>
        {
            services
                .AddSingleton<TableTickets>()
                .AddSingleton<ITickets>(provider => provider.GetRequiredService<TableTickets>())
                .AddSingleton<ISchema>(provider => provider.GetRequiredService<TableTickets>());
            more?.Invoke(services);
        });
        return new TaskRig(hive, await hive.Operator());
    }

    public async Task Restart(Action? between = null)
    {
        await Hive.Restart(between);
        lines.Clear();
        Host = await Hive.Operator();
    }

    public Task<T> Write<T>(Func<IWrite, T> work) => Hive.Services.GetRequiredService<IStore>().Write(work);

    public Task<T> Read<T>(string sql, object? args = null) =>
        Hive.Services.GetRequiredService<IStore>().Read(db => db.QuerySingle<T>(sql, args));

    /// <summary>Makes a ticket in a phase without templates.</summary>
    public Task<long> Ticket(string phase = Plain, string title = "Login", string? workflow = null) =>
        Write(write => Tickets.Make(write, phase, title, workflow));

    public Task Move(long ticket, string phase) => Change(write => Tickets.Move(write, ticket, phase));

    public Task Change(Action<IWrite> work) => Hive.Services.GetRequiredService<IStore>().Write(work);

    /// <summary>Makes tasks; each is its title, or its title and those that it waits for.</summary>
    public async Task<long[]> Add(long ticket, params object[] tasks) =>
        [
            .. (await Host.CallAsync("add_tasks", new { ticket, tasks }))
                .GetProperty("tasks")
                .EnumerateArray()
                .Select(task => task.GetProperty("id").GetInt64()),
        ];

    /// <summary>A task to be made.</summary>
    public static object New(string name, params object[] after) =>
        new
        {
            @ref = name,
            task_type = "implement_feature",
            title = name,
            depends_on = after,
        };

    /// <summary>One task, which is ready.</summary>
    public async Task<long> OneTask() => (await Add(await Ticket(), New("one")))[0];

    /// <summary>Stores a task as many times again as it is; the queue knows of it after a restart.</summary>
    public Task Copy(long task, int times, string status = "pending") =>
        Change(write =>
            write.Db.Execute(
                """
                WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < @times)
                INSERT INTO tasks (ticket, phase_id, kind, task_type, title, description, priority, status, holds,
                                   capabilities, timeout_seconds, created_by, created_at, ready_at, completed_at)
                SELECT ticket, phase_id, kind, task_type, title, description, priority, @status, holds,
                       capabilities, timeout_seconds, created_by, created_at, ready_at,
                       CASE WHEN @status = 'completed' THEN 1 END
                  FROM tasks, n
                 WHERE id = @task
                """,
                new
                {
                    task,
                    times,
                    status,
                }
            )
        );

    /// <summary>Creates a worker and connects it. It takes tasks of a phase that does not exist, so that only the test
    /// gives it any.</summary>
    public async Task<LineClient> Worker(string name, string more = "")
    {
        await Hive.SpawnAs(name, $"duty: worker\nphases: [PHASE_NONE]\n{more}");
        return await Connect(name);
    }

    /// <summary>Connects an agent; the host knows of it when this returns.</summary>
    public async Task<LineClient> Connect(string name)
    {
        var line = await Hive.Connect(name);
        await line.CallAsync("status");
        return lines[name] = line;
    }

    public LineClient Of(string agent) => lines[agent];

    /// <summary>Lets an agent have a task that is ready.</summary>
    /// <returns>The id of the message that tells the agent.</returns>
    public async Task<long> Give(long task, string agent)
    {
        var claims = Hive.Services.GetRequiredService<IClaims>();
        Assert.Equal(ClaimResult.Claimed, await Write(write => claims.Claim(write, task, agent)));
        var row = await Task(task);
        Assert.Equal(("assigned", agent), (row.Text("status"), row.Text("agent")));
        return await Read<long>("SELECT message FROM task_messages WHERE run = @run", new { run = row.Number("run") });
    }

    /// <summary>Lets an agent begin a turn with the message of its task.</summary>
    /// <returns>The turn.</returns>
    public async Task<long> Begin(string agent)
    {
        var message = (await Messages(agent))[0].GetProperty("id").GetInt64();
        return await BeginTurn(agent, message);
    }

    public async Task<long> BeginTurn(string agent, params long[] ids) =>
        (await Of(agent).CallAsync("begin_turn", new { ids, wake_from = "system" })).GetProperty("turn").GetInt64();

    public Task EndTurn(string agent, long turn, string result = "ok") =>
        Of(agent).CallAsync("end_turn", new { turn, result });

    /// <summary>The messages that an agent receives now.</summary>
    public async Task<JsonElement[]> Messages(string agent) =>
        [
            .. (await Of(agent).CallAsync("recv", new { wait_seconds = 0, max = 32 }))
                .GetProperty("messages")
                .EnumerateArray(),
        ];

    /// <summary>The bodies of the host's messages about tasks.</summary>
    public async Task<JsonElement[]> News(string agent) =>
        [.. (await Messages(agent)).Select(m => JsonElement.Parse(m.GetProperty("body").GetString()!))];

    public async Task<JsonElement> Task(long id) => (await Host.CallAsync("task", new { id })).GetProperty("task");

    /// <summary>Gives a task, begins a turn with it, and returns that turn.</summary>
    public async Task<long> Run(long task, string agent)
    {
        await Give(task, agent);
        return await Begin(agent);
    }

    /// <summary>Waits until a task is as a test expects it; alarms act beside the clock.</summary>
    public async Task<JsonElement> Until(long task, Func<JsonElement, bool> isSo)
    {
        JsonElement row = default;
        await Patience.Until(async () => isSo(row = await Task(task)), () => $"task {task} stays {row}");
        return row;
    }

    public Task<JsonElement> Until(long task, string status) => Until(task, row => row.Text("status") == status);

    public void Pass(double seconds) => Hive.Clock.Advance(TimeSpan.FromSeconds(seconds));

    public Task<HiveException> Refused(Task call) => Assert.ThrowsAsync<HiveException>(() => call);

    public ValueTask DisposeAsync() => Hive.DisposeAsync();
}

/// <summary>Members of tasks as the doors answer them.</summary>
internal static class TaskJson
{
    public static string? Text(this JsonElement row, string name) =>
        row.TryGetProperty(name, out var member) ? member.GetString() : null;

    public static long Number(this JsonElement row, string name) => row.GetProperty(name).GetInt64();

    public static string[] Holds(this JsonElement row) =>
        [.. row.GetProperty("holds").EnumerateArray().Select(h => h.GetProperty("hold").GetString()!)];
}
