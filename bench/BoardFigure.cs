using System.Diagnostics;
using System.Net.Http.Json;
using Hive.Protocol;

namespace Hive.Benchmarks;

/// <summary>Measures the board of ten thousand tickets: its view, moves, and the snapshot beside it.</summary>
internal static class BoardFigure
{
    private const int Tickets = 10_000,
        TasksEach = 2,
        Requests = 500,
        Moves = 2_000,
        WarmUp = 500;

    // No phase has a gate, and no column a limit.
    private const string Workflow = """
        name: wide
        phases:
          - { id: PHASE_ONE, name: One, status: backlog, allowed_transitions: [PHASE_TWO, PHASE_THREE, PHASE_FOUR] }
          - { id: PHASE_TWO, name: Two, status: analyzing, allowed_transitions: [PHASE_ONE, PHASE_THREE, PHASE_FOUR] }
          - { id: PHASE_THREE, name: Three, status: building, allowed_transitions: [PHASE_ONE, PHASE_TWO, PHASE_FOUR] }
          - { id: PHASE_FOUR, name: Four, status: testing, allowed_transitions: [PHASE_ONE, PHASE_TWO, PHASE_END] }
          - { id: PHASE_END, name: End, terminal: true }
        board_columns:
          - { id: one, name: One, phase_mapping: [PHASE_ONE] }
          - { id: two, name: Two, phase_mapping: [PHASE_TWO] }
          - { id: three, name: Three, phase_mapping: [PHASE_THREE] }
          - { id: four, name: Four, phase_mapping: [PHASE_FOUR] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    private static readonly string[] Columns = ["one", "two", "three", "four"];

    public static async Task RunAsync(Plan plan, CancellationToken ct)
    {
        plan.Report.Title($"The board with {Report.Number(Tickets)} open tickets of {TasksEach} tasks each");
        await using var host = await HiveHost.StartAsync(plan, 1, ct);
        using var http = host.Http();
        using var client = await host.Operator(ct);
        await Filling.Load(client, ct, Workflow);
        var watch = Stopwatch.StartNew();
        var ids = new long[Tickets];
        await Filling.Each(host.Operator, Tickets, async (line, n) => ids[n] = await Make(line, n, ct), ct);
        plan.Report.Progress($"board: made {Tickets} tickets in {watch.Elapsed.TotalSeconds:0.0} s");
        plan.Report.Line("| what | p50 ms | p99 ms | max ms | bytes |");
        plan.Report.Line("|---|---|---|---|---|");
        await Measure(plan, host, "GET /api/v1/board/view", Requests, () => Get(http, "/api/v1/board/view", ct), ct);
        await Measure(plan, host, "GET /api/v1/board/cards", Requests, () => Get(http, "/api/v1/board/cards", ct), ct);
        await Measure(plan, host, "GET /api/state", Requests, () => Get(http, "/api/state", ct), ct);
        var moved = 0;
        await Measure(plan, host, "POST /api/v1/board/move", Moves, () => Move(http, ids, moved++, ct), ct);
        await Figures.KeepMemory(plan, host, "the board", ct);
    }

    private static async Task<long> Make(LineClient host, int n, CancellationToken ct)
    {
        var id = await Filling.Ticket(
            host,
            $"Ticket {n}",
            [.. Enumerable.Range(0, TasksEach).Select(i => Filling.Job(i, null, i == 0 ? [] : [$"t{i - 1}"]))],
            ct
        );
        // Spread over the columns.
        if (n % Columns.Length > 0)
            await host.CallAsync(
                "ticket_move",
                new { id, to_phase = $"PHASE_{Columns[n % Columns.Length].ToUpperInvariant()}" },
                ct
            );
        return id;
    }

    private static async Task<int> Get(HttpClient http, string path, CancellationToken ct) =>
        (await http.GetByteArrayAsync(new Uri(path, UriKind.Relative), ct)).Length;

    // Each goes to the column after its own.
    private static async Task<int> Move(HttpClient http, long[] ids, int n, CancellationToken ct)
    {
        using var answer = await http.PostAsJsonAsync(
            new Uri("/api/v1/board/move", UriKind.Relative),
            new { ticket_id = ids[n], target_column_id = Columns[(n + 1) % Columns.Length] },
            ct
        );
        answer.EnsureSuccessStatusCode();
        return (await answer.Content.ReadAsByteArrayAsync(ct)).Length;
    }

    private static async Task Measure(
        Plan plan,
        HiveHost host,
        string what,
        int requests,
        Func<Task<int>> request,
        CancellationToken ct
    )
    {
        // The index of messages, and the cards of what changed before, have caught up.
        await host.Rest(ct);
        List<double> took = [];
        var bytes = 0;
        for (var n = -WarmUp; n < requests; n++)
        {
            var start = Stopwatch.GetTimestamp();
            bytes = await request();
            if (n >= 0)
                took.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
        }

        double p50 = Report.Percentile(took, 0.50),
            p99 = Report.Percentile(took, 0.99);
        plan.Report.Line(
            $"| {what} | {Report.Fraction(p50)} | {Report.Fraction(p99)} | {Report.Fraction(took.Max())} | "
                + $"{Report.Number(bytes)} |"
        );
        plan.Report.Keep(
            "board",
            new
            {
                what,
                requests,
                p50_ms = p50,
                p99_ms = p99,
                max_ms = took.Max(),
                bytes,
            }
        );
    }
}
