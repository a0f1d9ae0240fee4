using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Dashboard.Tests.Pictures;

/// <summary>Agents whose part the test plays, at a clock that it moves.</summary>
internal sealed class Troupe(LiveHive hive, ManualClock clock) : IDisposable
{
    private readonly Dictionary<string, LineClient> agents = [];

    public LiveHive Hive => hive;

    public DateTimeOffset Now => clock.GetUtcNow();

    public LineClient this[string name] => agents[name];

    public void Dispose()
    {
        foreach (var agent in agents.Values)
            agent.Dispose();
    }

    public void Advance(double minutes) => clock.Advance(TimeSpan.FromMinutes(minutes));

    /// <summary>Adds an agent whose harness reports a state.</summary>
    public async Task JoinAsync(
        string name,
        string state = "idle",
        string? status = null,
        string model = "claude-sonnet-4-5",
        int context = 20,
        object? more = null
    )
    {
        agents[name] = name == "manager" ? await hive.OpenAsync(name) : await hive.JoinAsync(name);
        await ReportAsync(name, state, model, context, more);
        if (status is not null)
            await StatusAsync(name, status);
    }

    public Task StatusAsync(string name, string text) => agents[name].CallAsync("set_status", new { text });

    public async Task ReportAsync(
        string name,
        string state,
        string model = "claude-sonnet-4-5",
        int context = 20,
        object? more = null
    )
    {
        var report = JsonSerializer.SerializeToNode(more ?? new { }, WireJson.Options)!.AsObject();
        report["state"] = state;
        report["since_at"] = Now;
        report["driver"] = "claude";
        report["model"] = model;
        report["context_tokens"] = context * 2000;
        report["context_limit"] = 200_000;
        await agents[name].CallAsync("report_harness", report);
    }

    /// <summary>Sends a message and returns its id.</summary>
    public async Task<long> SendAsync(string from, string to, string body, long? answers = null)
    {
        var fields = new
        {
            to,
            body,
            in_reply_to = answers,
        };
        var sent =
            from == "operator" ? await hive.CallAsync("send", fields) : await agents[from].CallAsync("send", fields);
        return sent.GetProperty("id").GetInt64();
    }

    /// <summary>Begins a turn for a message that was sent to the agent.</summary>
    public async Task<long> BeginAsync(string name, string from, string body)
    {
        await SendAsync(from, name, body);
        var ids = await ReceiveAsync(name);
        var turn = (await agents[name].CallAsync("begin_turn", new { ids, wake_from = from }))
            .GetProperty("turn")
            .GetInt64();
        await EmitAsync(
            name,
            turn,
            new
            {
                kind = "turn_started",
                from,
                ids,
                text = body,
                waiting = 0,
                redelivered = false,
            }
        );
        return turn;
    }

    /// <summary>Handles everything that an agent has not read.</summary>
    public async Task ReadAsync(string name)
    {
        await agents[name].CallAsync("recv", new { wait_seconds = 0, max = 32 });
        await agents[name].CallAsync("ack", new { all = true });
    }

    public async Task<long[]> ReceiveAsync(string name) =>
        [
            .. (await agents[name].CallAsync("recv", new { wait_seconds = 30, max = 1 }))
                .GetProperty("messages")
                .EnumerateArray()
                .Select(message => message.GetProperty("id").GetInt64()),
        ];

    public Task EmitAsync(string name, long turn, params object[] events) =>
        agents[name]
            .CallAsync(
                "emit",
                new
                {
                    events = events.Select(e =>
                    {
                        var told = JsonSerializer.SerializeToNode(e, WireJson.Options)!.AsObject();
                        told["at"] = Now;
                        told["turn"] = turn;
                        return told;
                    }),
                }
            );

    public async Task EndAsync(
        string name,
        long turn,
        double minutes,
        string result = "ok",
        string? note = null,
        string model = "claude-sonnet-4-5",
        long output = 2_300,
        long cached = 90_000
    )
    {
        var figures = new
        {
            turn,
            result,
            note,
            model,
            started_at = Now.AddMinutes(-minutes),
            ended_at = Now,
            duration_ms = (long)(minutes * 60_000),
            input_tokens = 1_200,
            output_tokens = output,
            cache_read_input_tokens = cached,
            cache_creation_input_tokens = 6_100,
            tool_call_count = 6,
            tool_calls = new Dictionary<string, int>
            {
                ["Bash"] = 3,
                ["Edit"] = 2,
                ["mcp__hive__send"] = 1,
            },
        };
        await agents[name].CallAsync("end_turn", figures);
        var ended = JsonSerializer.SerializeToNode(figures, WireJson.Options)!.AsObject();
        ended["kind"] = "turn_ended";
        await EmitAsync(name, turn, ended);
    }

    /// <summary>A whole turn, which moves the clock by its length.</summary>
    public async Task TurnAsync(
        string name,
        string from,
        string body,
        double minutes,
        string result = "ok",
        string? note = null,
        string model = "claude-sonnet-4-5",
        long output = 2_300,
        long cached = 90_000
    )
    {
        var turn = await BeginAsync(name, from, body);
        Advance(minutes);
        await EndAsync(name, turn, minutes, result, note, model, output, cached);
    }

    /// <summary>Sends a message that its reader gives back until it is parked.</summary>
    public async Task ParkAsync(string from, string to, string body, string error)
    {
        await SendAsync(from, to, body);
        for (var i = 0; i < Limits.NacksBeforeParking; i++)
        {
            var ids = await ReceiveAsync(to);
            await agents[to]
                .CallAsync(
                    "nack",
                    new
                    {
                        ids,
                        delay_seconds = 0,
                        error,
                    }
                );
        }
    }

    /// <summary>Proposes files as an agent's configuration and returns the id of the approval.</summary>
    public async Task<long> ProposeAsync(string agent, string description, params (string File, string Text)[] files)
    {
        foreach (var (file, text) in files)
            await File.WriteAllTextAsync(Path.Combine(hive.ConfigOf(agent), file), text);
        await hive.GitAsync(agent, "add", "-A");
        await hive.GitAsync(
            agent,
            "-c",
            "user.name=manager",
            "-c",
            "user.email=manager@hive",
            "commit",
            "-qm",
            description
        );
        var commit = await hive.GitAsync(agent, "rev-parse", "HEAD");
        var asked = new
        {
            agent,
            commit_ref = commit,
            description,
        };
        return (await agents["manager"].CallAsync("request_apply_commit", asked)).GetProperty("id").GetInt64();
    }

    /// <summary>Approves a change and waits until it is deployed or has failed.</summary>
    public async Task ApproveAsync(long id)
    {
        await hive.CallAsync("approve", new { id });
        for (var waited = 0; waited < 10; waited++)
        {
            var approval = (await hive.CallAsync("approval", new { id, wait_seconds = 30 })).GetProperty("approval");
            if (approval.GetProperty("status").GetString() is "approved" or "failed")
                return;
        }

        Assert.Fail($"approval {id} was not carried out");
    }

    /// <summary>Runs an agent that dies until Hive leaves it alone.</summary>
    public async Task CrashAsync(string name)
    {
        using var host = await hive.OperatorAsync();
        await hive.SpawnAsync(name);
        foreach (var pause in new[] { 1, 5, 25, 0 })
        {
            await IsRunningAsync(host, name);
            await host.CallAsync("harness", new { name, wait_seconds = 60 });
            // A time at which no other timer was set.
            clock.Advance(TimeSpan.FromMilliseconds(370));
            hive.Signal(name, 9);
            await ToldAsync(pause == 0 ? "no further restart" : $"restarting in {pause} s");
            if (pause == 0)
                return;
            await clock.Set(Now.AddSeconds(pause));
            clock.Advance(TimeSpan.FromSeconds(pause));
        }
    }

    // The manager is told once the end is on disk, which itself is waited for by the clock.
    private async Task ToldAsync(string words)
    {
        for (var told = ""; !told.Contains(words, StringComparison.Ordinal); )
        {
            told = (await agents["manager"].CallAsync("recv", new { wait_seconds = 30, max = 1 })).ToString();
            await agents["manager"].CallAsync("ack", new { all = true });
        }
    }

    private static Task IsRunningAsync(LineClient host, string name) =>
        Patience.Until(
            async () =>
                (await host.CallAsync("agent_status", null))
                    .GetProperty("agent_statuses")
                    .EnumerateArray()
                    .Single(row => row.GetProperty("name").GetString() == name)
                    .GetProperty("running")
                    .GetBoolean(),
            $"{name} runs"
        );
}
