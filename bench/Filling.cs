using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>Fills a host with tickets and tasks, at its own doors.</summary>
internal static class Filling
{
    /// <summary>The most tasks that one call makes.</summary>
    public const int AtOnce = 200;

    /// <summary>The phase that the tickets of <see cref="Tasks"/> stand in.</summary>
    public const string Phase = "PHASE_WORK";

    private const int Connections = 8;

    private const string Workflow = """
        name: bench
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_DONE]
            gate: { criteria: [{ tasks_complete: true }] }
          - id: PHASE_DONE
            name: Done
            terminal: true
        board_columns:
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    /// <summary>Loads a workflow and makes it the default one; left out, one of a single phase, whose gate asks for
    /// completed tasks.</summary>
    public static Task Load(LineClient host, CancellationToken ct, string text = Workflow) =>
        host.CallAsync("workflow_load", new { text, @default = true }, ct);

    /// <summary>Makes tickets of ready tasks, at most <see cref="AtOnce"/> each.</summary>
    /// <returns>The ids of the tickets.</returns>
    public static async Task<long[]> Tasks(
        Func<CancellationToken, Task<LineClient>> connect,
        int tickets,
        int tasks,
        CancellationToken ct
    )
    {
        var made = new long[tickets];
        await Each(
            connect,
            tickets,
            async (host, n) =>
                made[n] = await Ticket(host, $"Ticket {n}", [.. Enumerable.Range(0, tasks).Select(i => Job(i))], ct),
            ct
        );
        return made;
    }

    /// <summary>Makes a ticket with its tasks.</summary>
    public static async Task<long> Ticket(LineClient host, string title, object[] tasks, CancellationToken ct) => (
            await host.CallAsync(
                "ticket_create",
                new
                {
                    title,
                    description = Text,
                    tasks,
                },
                ct
            )
        ).GetProperty("ticket").GetProperty("id").GetInt64();

    /// <summary>A task to be made.</summary>
    public static object Job(int number, string? agent = null, params object[] after) =>
        new
        {
            @ref = $"t{number}",
            task_type = "implement_feature",
            title = $"Part {number}",
            description = Text,
            agent,
            depends_on = after,
        };

    /// <summary>Makes workers of agents.</summary>
    public static async Task Workers(HttpClient http, IEnumerable<string> agents, int capacity, CancellationToken ct)
    {
        foreach (var agent in agents)
        {
            using var answer = await http.PatchAsJsonAsync(
                new Uri($"/api/v1/agents/{agent}", UriKind.Relative),
                new { duty = "worker", capacity },
                ct
            );
            answer.EnsureSuccessStatusCode();
        }
    }

    /// <summary>The task, and its run, that a message gives; null for another message.</summary>
    public static (long Id, long Run)? TaskOf(JsonElement message)
    {
        var body = message.GetProperty("body").GetString()!;
        if (!body.StartsWith("{\"event\":\"task_assigned\"", StringComparison.Ordinal))
            return null;
        var given = JsonElement.Parse(body);
        return (given.GetProperty("id").GetInt64(), given.GetProperty("run").GetInt64());
    }

    /// <summary>Does something for each number below a count, over several connections.</summary>
    public static async Task Each(
        Func<CancellationToken, Task<LineClient>> connect,
        int count,
        Func<LineClient, int, Task> work,
        CancellationToken ct
    )
    {
        var next = -1;
        await Task.WhenAll(
            Enumerable
                .Range(0, Connections)
                .Select(_ =>
                    Task.Run(
                        async () =>
                        {
                            using var host = await connect(ct);
                            while (Interlocked.Increment(ref next) is var n && n < count)
                                await work(host, n);
                        },
                        ct
                    )
                )
        );
    }

    private static readonly string Text = string.Concat(
        Enumerable.Repeat("Describe the change in src/main, and list the tests that cover it. ", 3)
    );
}
