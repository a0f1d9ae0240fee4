using System.Net.Http.Json;
using Hive.Protocol;

namespace Hive.Agent.Tests;

/// <summary>Alice as a worker with tickets of two tasks; her own socket ends what the stand-in does not.</summary>
internal sealed class TicketWorker(Harnessed h, HttpClient http, LineClient alice) : IDisposable
{
    private const string Workflow = """
        name: pairs
        phases:
          - id: PHASE_WORK
            name: Work
            status: building
            allowed_transitions: [PHASE_END]
            tasks:
              - { type: begin, title: Begin }
              - { type: finish, title: Finish, depends_on: [begin] }
          - { id: PHASE_END, name: End, status: done, terminal: true }
        board_columns:
          - { id: work, name: Work, phase_mapping: [PHASE_WORK] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }

        """;

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    public static async Task<TicketWorker> StartAsync(Harnessed h)
    {
        var http = h.Alice.Hive.Http();
        using var host = await LineClient.ConnectAsync(h.Alice.Hive.HostSocket);
        await host.CallAsync("workflow_load", new { text = Workflow });
        var fields = new { duty = "worker", capacity = 8 };
        (await http.PatchAsJsonAsync("/api/v1/agents/alice", fields, Ct)).EnsureSuccessStatusCode();
        return new TicketWorker(h, http, await LineClient.ConnectAsync(h.Alice.Socket));
    }

    /// <summary>Creates a ticket, whose first task begins that turn.</summary>
    public async Task<long> TicketAsync(int turn)
    {
        using var host = await LineClient.ConnectAsync(h.Alice.Hive.HostSocket);
        var made = await host.CallAsync("ticket_create", new { title = "Log in", workflow = "pairs" });
        await h.EndedAsync(turn);
        return made.GetProperty("ticket").GetProperty("id").GetInt64();
    }

    /// <summary>Completes alice's newest task; with a turn, the ticket's next one begins it.</summary>
    public async Task CompleteAsync(int? turn)
    {
        using var host = await LineClient.ConnectAsync(h.Alice.Hive.HostSocket);
        var tasks = (await host.CallAsync("tasks", new { })).GetProperty("tasks").EnumerateArray();
        var task = tasks
            .Where(t => t.GetProperty("status").GetString() is "assigned" or "running")
            .Max(t => t.GetProperty("id").GetInt64());
        await alice.CallAsync("complete_task", new { task, summary = "done" }, Ct);
        if (turn is { } next)
            await h.EndedAsync(next);
    }

    public async Task AddTaskAsync(long ticket, int turn)
    {
        using var host = await LineClient.ConnectAsync(h.Alice.Hive.HostSocket);
        await host.CallAsync("add_tasks", new { ticket, tasks = new[] { new { task_type = "more", title = "More" } } });
        await h.EndedAsync(turn);
    }

    public async Task<long> AskAsync(string question) =>
        (await alice.CallAsync("ask", new { question }, Ct)).GetProperty("id").GetInt64();

    public async Task AnswerAsync(long id, int turn)
    {
        using var host = await LineClient.ConnectAsync(h.Alice.Hive.HostSocket);
        await host.CallAsync("answer", new { id, answer = "The new one." });
        await h.EndedAsync(turn);
    }

    public void Dispose()
    {
        http.Dispose();
        alice.Dispose();
    }
}
