using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Agent.Children;
using static Hive.Agent.Drivers.Claude.JsonFields;

namespace Hive.Agent.Drivers.Claude;

/// <summary>
/// Reads the output of <c>claude --output-format stream-json</c>: shows it live, and keeps what the end of the turn
/// needs (docs/claude-driver.md). Unknown or invalid output is never an error.
/// </summary>
/// <param name="live">Shows the output.</param>
/// <param name="report">Reports the model and the context.</param>
/// <param name="resumed">Whether the run continues a conversation.</param>
internal sealed class StreamJson(LiveEvents live, HarnessReport report, bool resumed)
{
    private const string Synthetic = "<synthetic>";
    private const int ShownBytes = 300,
        NameBytes = 200,
        KeptErrors = 4000;

    // Bounds memory: a run may have any number of calls.
    private const int MostRemembered = 10_000;

    // Times are seconds in some versions and milliseconds in others.
    private const long FirstMilliseconds = 100_000_000_000;

    private readonly HashSet<string> toolIds = [];
    private readonly Lock gate = new();
    private string? answering;
    private long unnamed;

    /// <summary>Tokens and cost of the run.</summary>
    public RunUsage Spent { get; } = new(resumed);

    public SortedDictionary<string, long> Tools { get; } = new(StringComparer.Ordinal);

    public string? Model { get; private set; }

    /// <summary>The usage of the agent's own last call to the model.</summary>
    public Usage? Last { get; private set; }

    public bool Started { get; private set; }

    /// <summary>The tool's id of the conversation.</summary>
    public string? Conversation { get; private set; }

    public bool HasResult { get; private set; }

    public bool IsError { get; private set; }

    public string Result { get; private set; } = "";

    public string? TerminalReason { get; private set; }

    public int? ApiStatus { get; private set; }

    /// <summary>The tool's name of its last error: <c>rate_limit</c>, <c>authentication_failed</c>, ….</summary>
    public string? ErrorKind { get; private set; }

    public bool LimitReached { get; private set; }

    public DateTimeOffset? LimitUntil { get; private set; }

    public bool Compacted { get; private set; }

    /// <summary>The end of the output that is not JSON, and of standard error.</summary>
    public string Errors { get; private set; } = "";

    public void TakeError(OutputLine line)
    {
        if (line.Skipped > 0)
            live.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"a line of {line.Skipped} bytes on standard error was skipped"
                ),
                "warn"
            );
        else if (line.Bytes.Length > 0)
            live.Stderr(line.Text);
        Keep(line.Text);
    }

    public void Take(OutputLine line)
    {
        if (line.Skipped > 0)
        {
            live.Note(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"a line of {line.Skipped} bytes was skipped; the limit is {ClaudeDriver.LongestLine} bytes"
                ),
                "warn"
            );
            return;
        }

        if (line.Bytes.AsSpan().Trim(" \t"u8).IsEmpty)
            return;
        try
        {
            using var json = JsonDocument.Parse(line.Bytes);
            if (json.RootElement.ValueKind == JsonValueKind.Object)
                Take(json.RootElement);
            else
                NotJson(line);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            NotJson(line);
        }
    }

    private void NotJson(OutputLine line)
    {
        Keep(line.Text);
        live.Note($"output that is not stream-json: {WireText.Cut(line.Text, ShownBytes)}", "warn");
    }

    private void Keep(string text)
    {
        lock (gate)
        {
            var all = Errors + text + "\n";
            Errors = all[^Math.Min(all.Length, KeptErrors)..];
        }
    }

    private void Take(JsonElement line)
    {
        switch (Text(line, "type"))
        {
            case "system":
                System(line);
                break;
            case "assistant":
                Assistant(line);
                break;
            case "user":
                ToolResults(line);
                break;
            case "rate_limit_event"
                when Member(line, "rate_limit_info") is { } info && Text(info, "status") == "rejected":
                LimitReached = true;
                LimitUntil = Instant(info, "resetsAt") ?? LimitUntil;
                break;
            case "result":
                Ended(line);
                break;
            // Not the text of a helper.
            case "stream_event" when Text(line, "parent_tool_use_id") is null && Member(line, "event") is { } part:
                Streamed(part);
                break;
            // Newer versions add further types.
            default:
                break;
        }
    }

    private void System(JsonElement line)
    {
        switch (Text(line, "subtype"))
        {
            case "init":
                Started = true;
                Conversation = Text(line, "session_id") ?? Conversation;
                Model = Text(line, "model") ?? Model;
                Spent.Version = Text(line, "claude_code_version") ?? Spent.Version;
                report.Change(s => s with { Model = Model ?? s.Model });
                break;
            case "status" when Text(line, "status") == "compacting":
                report.Change(s => s with { State = HarnessState.Compacting });
                break;
            case "compact_boundary":
                Compacted = true;
                var about = Member(line, "compact_metadata");
                var after = about is { } known ? Number(known, "post_tokens") : null;
                live.Compacted(about is { } given ? Number(given, "pre_tokens") : null, after);
                report.Change(s =>
                    s with
                    {
                        State = s.Turn is null ? s.State : HarnessState.Thinking,
                        ContextTokens = after,
                    }
                );
                break;
            case "api_retry":
                var status = Number(line, "error_status")?.ToString(CultureInfo.InvariantCulture) ?? "with an error";
                live.Note($"the API answered {status}; the tool retries", "warn");
                break;
        }
    }

    private void Assistant(JsonElement line)
    {
        if (Member(line, "message") is not { } message)
            return;
        ErrorKind = Text(line, "error");
        Called(message, isOwn: Text(line, "parent_tool_use_id") is null);
        foreach (var block in Items(message, "content"))
            Block(block, isError: ErrorKind is not null);
    }

    /// <summary>Shows a part of a message, and counts its usage in case the whole message never comes.</summary>
    private void Streamed(JsonElement part)
    {
        switch (Text(part, "type"))
        {
            case "message_start" when Member(part, "message") is { } message:
                answering = Called(message, isOwn: true);
                break;
            case "message_delta" when answering is not null && Member(part, "usage") is { } usage:
                Counted(answering, Usage.Of(usage), isOwn: true);
                break;
            case "content_block_delta" when Member(part, "delta") is { } delta && Text(delta, "type") == "text_delta":
                live.TextPart(Text(delta, "text") ?? "");
                break;
        }
    }

    /// <summary>Counts the call of a message and returns the call's id; null for the tool's own messages.</summary>
    private string? Called(JsonElement message, bool isOwn)
    {
        var model = Text(message, "model");
        if (model is null or Synthetic)
            return null;
        if (isOwn)
            Model = model;
        var id = WireText.Cut(Text(message, "id") ?? $"unnamed {++unnamed}", NameBytes);
        if (Member(message, "usage") is { } usage)
            Counted(id, Usage.Of(usage), isOwn);
        return id;
    }

    private void Counted(string call, Usage reported, bool isOwn)
    {
        var used = Spent.Add(call, reported);
        if (!isOwn || used.Context == 0)
            return;
        Last = used;
        report.Change(s => s with { Model = Model, ContextTokens = used.Context });
    }

    private void Block(JsonElement block, bool isError)
    {
        switch (Text(block, "type"))
        {
            case "text" when isError:
                live.Note(Text(block, "text") ?? "", "error");
                break;
            case "text":
                live.Text(Text(block, "text") ?? "");
                break;
            // Some models omit the text.
            case "thinking" when Text(block, "thinking") is { Length: > 0 } thought:
                live.Thinking(thought);
                break;
            case "tool_use" or "server_tool_use":
                var name = WireText.Cut(Text(block, "name") ?? "?", NameBytes);
                var id = WireText.Cut(Text(block, "id") ?? $"tool-{toolIds.Count}", NameBytes);
                if (toolIds.Count < MostRemembered && toolIds.Add(id))
                    Tools[name] = Tools.GetValueOrDefault(name) + 1;
                live.ToolCall(id, name, Member(block, "input") is { } input ? JsonObject.Create(input.Clone())! : []);
                break;
        }
    }

    private void ToolResults(JsonElement line)
    {
        if (Member(line, "message") is not { } message)
            return;
        foreach (var block in Items(message, "content").Where(b => Text(b, "type") == "tool_result"))
        {
            var call = WireText.Cut(Text(block, "tool_use_id") ?? "", NameBytes);
            live.ToolResult(call, ContentOf(block), IsTrue(block, "is_error"));
        }
    }

    private static string ContentOf(JsonElement block) =>
        Text(block, "content")
        ?? string.Join('\n', Items(block, "content").Select(part => Text(part, "text") ?? $"[{Text(part, "type")}]"));

    private void Ended(JsonElement line)
    {
        HasResult = true;
        if (Last is not null)
            Conversation = Text(line, "session_id") ?? Conversation;
        IsError = IsTrue(line, "is_error") || (Text(line, "subtype") ?? "success") != "success";
        Result = Text(line, "result") ?? string.Join("; ", Items(line, "errors").Select(e => e.ToString()));
        if (Result.Length == 0 && IsError)
            Result = Text(line, "subtype") ?? "";
        TerminalReason = Text(line, "terminal_reason");
        ApiStatus = (int?)Number(line, "api_error_status");
        Spent.AddResult(line);
        if (Member(line, "modelUsage") is not { } models)
            return;
        foreach (var model in models.EnumerateObject().Where(m => WithoutVariant(m.Name) == WithoutVariant(Model)))
            report.Change(s => s with { ContextLimit = Number(model.Value, "contextWindow") ?? s.ContextLimit });
    }

    // Some lines say `claude-opus-4-8[1m]`, others `claude-opus-4-8`.
    private static string? WithoutVariant(string? model) => model?.Split('[')[0];

    private static DateTimeOffset? Instant(JsonElement of, string name) =>
        Number(of, name) is { } at and > 0 and < FirstMilliseconds * 100
            ? at < FirstMilliseconds
                ? DateTimeOffset.FromUnixTimeSeconds(at)
                : DateTimeOffset.FromUnixTimeMilliseconds(at)
            : null;
}
