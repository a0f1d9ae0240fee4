using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Notifications;

namespace Hive.Features.Turns;

/// <summary>Keeps in memory which tools run in an agent's turn, as its events tell.</summary>
internal sealed class RunningTools(AgentRowSignal rows)
{
    // Tools that run side by side; a harness that never tells the end of one is limited here.
    private const int MostCalls = 64;
    private const int ShownBytes = 160;

    // A call with a longer id is not shown, so that none is kept of any length.
    private const int IdCharacters = 200;

    // The first of these that a call has is its subject.
    private static readonly string[] Subjects =
    [
        "command",
        "file_path",
        "path",
        "pattern",
        "url",
        "query",
        "description",
        "to",
        "name",
    ];

    private readonly Lock gate = new();
    private readonly Dictionary<string, List<Call>> all = new(StringComparer.Ordinal);

    /// <summary>The tool that was called last and still runs in that turn, with its subject; null for none.</summary>
    public string? Of(string agent, long? turn)
    {
        lock (gate)
            return turn is null ? null : all.GetValueOrDefault(agent)?.FindLast(call => call.Turn == turn)?.Text;
    }

    /// <summary>Notes what an agent's events tell of its tools.</summary>
    public void Note(string agent, IReadOnlyList<JsonElement> events)
    {
        var changed = false;
        lock (gate)
        {
            foreach (var told in events)
                changed |= Note(agent, told);
        }

        if (changed)
            rows.Mark(agent);
    }

    /// <summary>Forgets the tools of a harness that is gone, or of a destroyed agent.</summary>
    public void Forget(string agent)
    {
        lock (gate)
            all.Remove(agent);
    }

    private bool Note(string agent, JsonElement told)
    {
        switch (Text(told, "kind"))
        {
            case "tool_call"
                when Text(told, "tool") is { Length: > 0 } tool && Text(told, "id") is not { Length: > IdCharacters }:
                if (!all.TryGetValue(agent, out var calls))
                    all[agent] = calls = [];
                if (calls.Count == MostCalls)
                    calls.RemoveAt(0);
                calls.Add(new Call(Text(told, "id"), TurnOf(told), Shown(tool, told)));
                return true;
            case "tool_result":
                var ended = Text(told, "id");
                return all.GetValueOrDefault(agent) is { } running && running.RemoveAll(c => c.Id == ended) > 0;
            case "turn_started" or "turn_ended":
                return all.Remove(agent);
            default:
                return false;
        }
    }

    private static long? TurnOf(JsonElement told) =>
        told.TryGetProperty("turn"u8, out var turn)
        && turn.ValueKind == JsonValueKind.Number
        && turn.TryGetInt64(out var id)
            ? id
            : null;

    private static string Shown(string tool, JsonElement told)
    {
        var subject =
            told.TryGetProperty("input"u8, out var input) && input.ValueKind == JsonValueKind.Object
                ? Subjects.Select(name => Text(input, name)).FirstOrDefault(text => !string.IsNullOrWhiteSpace(text))
                : null;
        var line = subject is null ? Readable(tool) : $"{Readable(tool)} {subject.Trim()}";
        var end = line.AsSpan().IndexOfAny('\r', '\n');
        return TextRules.Cut(end < 0 ? line : line[..end], ShownBytes);
    }

    // Tools of an MCP server are named mcp__<server>__<tool>.
    private static string Readable(string tool) =>
        tool.Split("__", 3) is ["mcp", var server, var name] ? $"{server} · {name}" : tool;

    private static string? Text(JsonElement from, string name) =>
        from.TryGetProperty(name, out var text) && text.ValueKind == JsonValueKind.String ? text.GetString() : null;

    private sealed record Call(string? Id, long? Turn, string Text);
}
