using System.Globalization;
using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Completion;

/// <summary>Asks the host for names and ids that a command line can name.</summary>
internal static class Known
{
    public static Task<Candidate[]> AgentsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "list", null, "agents", a => new Candidate(a.GetString()!), ct);

    public static Task<Candidate[]> TombstonesAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "tombstones", null, "tombstones", t => new Candidate(Text(t, "name")), ct);

    public static Task<Candidate[]> InputsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "inputs", null, "meta_inputs", i => new Candidate(Text(i, "name"), Text(i, "url")), ct);

    public static Task<Candidate[]> WorkflowsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "workflows", null, "workflows", w => new Candidate(Text(w, "name"), Text(w, "title")), ct);

    public static Task<Candidate[]> PatternsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "patterns", null, "patterns", p => new Candidate(Text(p, "name")), ct);

    public static Task<Candidate[]> QuestionsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "questions", null, "questions", q => OfId(q, "asker", "question"), ct);

    public static Task<Candidate[]> ApprovalsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "pending", null, "approvals", a => OfId(a, "agent", "kind"), ct);

    public static Task<Candidate[]> RemindersAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "reminders", null, "reminders", r => OfId(r, "agent", "message"), ct);

    public static Task<Candidate[]> SessionsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "sessions", null, "sessions", s => new Candidate(Text(s, "id")), ct);

    public static Task<Candidate[]> LocksAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "locks", null, "locks", l => OfId(l, "agent", "resource_id"), ct);

    public static Task<Candidate[]> FailedMessagesAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "open_messages", new { failed = true }, "messages", m => OfMessage(m, "to"), ct);

    public static Task<Candidate[]> WaitingAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "waiting", new { snoozed = false }, "waiting", OfKey, ct);

    public static Task<Candidate[]> SnoozedAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "waiting", new { snoozed = true }, "waiting", OfKey, ct);

    /// <summary>The kinds of what waits now: another one would find nothing.</summary>
    public static async Task<Candidate[]> WaitingKindsAsync(HivePaths paths, CancellationToken ct) =>
        [.. (await AskAsync(paths, "waiting", null, "waiting", w => new Candidate(Text(w, "kind")), ct)).Distinct()];

    public static Task<Candidate[]> TicketsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "tickets", new { limit = 100 }, "tickets", t => OfId(t, "status", "title"), ct);

    public static Task<Candidate[]> TicketsToApproveAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(
            paths,
            "tickets",
            new { status = "pending_review", limit = 100 },
            "tickets",
            t => OfId(t, "status", "title"),
            ct
        );

    public static Task<Candidate[]> BlockedTicketsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(
            paths,
            "tickets",
            new { limit = 200 },
            "tickets",
            t => OfId(t, "blocked", "title"),
            ct,
            t => t.TryGetProperty("blocked", out _)
        );

    public static Task<Candidate[]> TasksAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "tasks", new { limit = 100 }, "tasks", t => OfId(t, "status", "title"), ct);

    public static Task<Candidate[]> ReviewsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "reviews", null, "reviews", r => OfId(r, "phase_id", "question"), ct);

    public static Task<Candidate[]> ThreadsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "threads", new { status = "active" }, "threads", t => OfId(t, "type", "subject"), ct);

    public static Task<Candidate[]> DiscoveriesAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "discoveries", null, "discoveries", d => OfId(d, "type", "description"), ct);

    public static Task<Candidate[]> HandoffsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "handoffs", new { status = "requested" }, "handoffs", h => OfId(h, "to_agent", "reason"), ct);

    /// <summary>The phases of all workflows.</summary>
    public static async Task<Candidate[]> PhasesAsync(HivePaths paths, CancellationToken ct)
    {
        using var host = await HostSocket.OpenAsync(paths, ct);
        var answer = await HostSocket.Guard(() => host.CallAsync("workflows", null, ct));
        return
        [
            .. answer
                .GetProperty("workflows")
                .EnumerateArray()
                .SelectMany(w => w.GetProperty("spec").GetProperty("phases").EnumerateArray())
                .Select(p => new Candidate(Text(p, "id"), Text(p, "name")))
                .DistinctBy(c => c.Word),
        ];
    }

    public static Task<Candidate[]> InboxAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "inbox", new { limit = 50 }, "messages", m => OfMessage(m, "from"), ct);

    private static async Task<Candidate[]> AskAsync(
        HivePaths paths,
        string cmd,
        object? fields,
        string member,
        Func<JsonElement, Candidate> candidate,
        CancellationToken ct,
        Func<JsonElement, bool>? fits = null
    )
    {
        using var host = await HostSocket.OpenAsync(paths, ct);
        var answer = await HostSocket.Guard(() => host.CallAsync(cmd, fields, ct));
        return
        [
            .. answer.GetProperty(member).EnumerateArray().Where(row => fits?.Invoke(row) != false).Select(candidate),
        ];
    }

    private static Candidate OfId(JsonElement row, string who, string what)
    {
        var text = Text(row, what);
        return new Candidate(
            row.GetProperty("id").GetInt64().ToString(CultureInfo.InvariantCulture),
            $"{Text(row, who)}: {(text.Length > 60 ? text[..60] + "…" : text)}"
        );
    }

    private static Candidate OfMessage(JsonElement message, string who) =>
        OfId(message, who, message.TryGetProperty("sentence", out _) ? "sentence" : "body");

    private static Candidate OfKey(JsonElement row) => new(Text(row, "key"), Text(row, "title"));

    private static string Text(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) ? value.GetString() ?? "" : "";
}
