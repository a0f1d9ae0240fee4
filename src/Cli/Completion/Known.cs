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

    public static Task<Candidate[]> QuestionsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "questions", null, "questions", q => OfId(q, "asker", "question"), ct);

    public static Task<Candidate[]> ApprovalsAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "pending", null, "approvals", a => OfId(a, "agent", "kind"), ct);

    public static Task<Candidate[]> RemindersAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "reminders", null, "reminders", r => OfId(r, "agent", "message"), ct);

    public static Task<Candidate[]> FailedMessagesAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "open_messages", new { failed = true }, "messages", m => OfId(m, "to", "body"), ct);

    public static Task<Candidate[]> InboxAsync(HivePaths paths, CancellationToken ct) =>
        AskAsync(paths, "inbox", new { limit = 50 }, "messages", m => OfId(m, "from", "body"), ct);

    private static async Task<Candidate[]> AskAsync(
        HivePaths paths,
        string cmd,
        object? fields,
        string member,
        Func<JsonElement, Candidate> candidate,
        CancellationToken ct
    )
    {
        using var host = await HostSocket.OpenAsync(paths, ct);
        var answer = await HostSocket.Guard(() => host.CallAsync(cmd, fields, ct));
        return [.. answer.GetProperty(member).EnumerateArray().Select(candidate)];
    }

    private static Candidate OfId(JsonElement row, string who, string what)
    {
        var text = Text(row, what);
        return new Candidate(
            row.GetProperty("id").GetInt64().ToString(CultureInfo.InvariantCulture),
            $"{Text(row, who)}: {(text.Length > 60 ? text[..60] + "…" : text)}"
        );
    }

    private static string Text(JsonElement row, string member) =>
        row.TryGetProperty(member, out var value) ? value.GetString() ?? "" : "";
}
