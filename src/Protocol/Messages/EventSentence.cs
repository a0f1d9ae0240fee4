using System.Text.Json;

namespace Hive.Protocol;

/// <summary>
/// Writes the sentence that people are shown for an event of Hive, which is a message from <c>system</c> with a JSON
/// body (docs/protocol.md lists the events). It is one line: control and hidden characters in a value are replaced.
/// </summary>
public static class EventSentence
{
    // The body has the rest.
    private const int MostCharacters = 1500;

    /// <summary>The message as people are shown it: an event has its sentence.</summary>
    public static Message With(Message message) =>
        Of(message) is { } sentence ? message with { Sentence = sentence } : message;

    /// <summary>The sentence of a message; null for one that is not an event, and for an unknown event.</summary>
    public static string? Of(Message message)
    {
        // The same JSON from anybody else stays text.
        if (message.From != "system" || !message.Body.StartsWith('{'))
            return null;
        try
        {
            using var json = JsonDocument.Parse(message.Body);
            return Sentence(new Fields(json.RootElement), message.To) is { } sentence ? Cut(sentence) : null;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            // Not JSON, or with a string that is not text, such as an unpaired surrogate.
            return null;
        }
    }

    private static string? Sentence(Fields e, string to) =>
        e["event"] switch
        {
            "task_assigned" => $"Task {e["id"]} → {to}: {e["title"]}{(e["try"] is "" ? "" : $" · try {e["try"]}")}",
            "task_idle" => $"Task {e["id"]} has no result yet; {to} is reminded ({e["nudge"]} of {e["of"]})"
                + After(": ", e["title"]),
            "task_rejected" => $"Task {e["id"]} of {to} failed its review ({e["iteration"]} of {e["max_iterations"]}), "
                + $"and is done again: {e["title"]}{After(" · ", e["feedback"])}",
            "task_cancelled" => $"Task {e["id"]} is taken from {to}: {e["title"]}{After(" · ", e["reason"])}",
            "task_failed" => $"Task {e["id"]} failed: {e["title"]}{After(" · ", e["error"])}",
            "lock_granted" => $"Lock {e["resource"]} → {to}, {e["mode"]}, for task {e["task"]}",
            "ticket_done" => $"Ticket {e["id"]} is done: {e["title"]}",
            "ticket_blocked" => $"Ticket {e["id"]} is blocked: {e["title"]}"
                + After(" · ", e["reason"] is { Length: > 0 } reason ? reason : e["type"].Replace('_', ' ')),
            "gate_failed" => $"Ticket {e["ticket"]} is blocked: {e["title"]} · {e["why"]}{After(": ", e["reasons"])}",
            "review_asked" => $"Review {e["id"]} of ticket {e["ticket"]} waits for you: {e["title"]}"
                + After(" · ", e["question"]),
            "budget_exceeded" or "budget_warning" => e["text"],
            "question_asked" => $"{e["asker"]} asks (question {e["id"]}): {e["question"]}"
                + After(e["multi"] == "true" ? " · any of: " : " · one of: ", string.Join(" / ", e.List("options"))),
            "question_answered" => Answered(e) + After(" · the question: ", e["question"]),
            "approval_resolved" => $"Approval {e["id"]} ({About(e["kind"], e["agent"])}): {e["status"]}"
                + After(" · ", e["note"]),
            "spawned" when e["ok"] == "false" => $"{e["agent"]} could not be created{After(": ", e["note"])}",
            "spawned" => $"{e["agent"]} was created{After(" · ", e["note"])}",
            "rebuilt" when e["ok"] == "false" => $"The rebuild of {e["agent"]} failed{After(": ", e["note"])}",
            "rebuilt" => $"{e["agent"]} was rebuilt{After(" · ", e["note"])}",
            "killed" or "destroyed" => $"{e["agent"]} was {e["event"]}",
            "container_crash" => $"{e["agent"]} crashed{After(": ", e["note"])}",
            "needs_login" => $"{e["agent"]} needs a login",
            "logged_in" => $"{e["agent"]} has logged in",
            "needs_update" => $"{e["agent"]} needs an update: it does not run its applied configuration",
            "thread_post" => $"{e["from"]} in thread {e["thread"]} ({e["subject"]}): {e["text"]}",
            "handoff_requested" => $"{e["by"]} offers task {e["task"]} to {e["to"]}{After(": ", e["reason"])}",
            "handoff_expired" => $"The handoff of task {e["task"]} to {e["to"]} expired{After(" · ", e["text"])}",
            "handoff_accepted" or "handoff_declined" or "handoff_withdrawn" =>
                $"The handoff of task {e["task"]} to {e["to"]} was {e["event"]["handoff_".Length..]}"
                    + After(" · ", e["text"]),
            "pull_request_opened" => $"{e["by"]} opened {PullRequest(e)}",
            "review_requested" => $"{e["by"]} asks {to} for a review of {PullRequest(e)}",
            "mentioned" => $"{e["by"]} mentions {to} in {PullRequest(e)}{After(" · ", e["text"])}",
            _ => null,
        };

    private static string Answered(Fields e) =>
        e["answer"] switch
        {
            "[expired]" => $"Question {e["id"]} expired without an answer",
            "[cancelled]" => $"Question {e["id"]} was cancelled{After(" by ", e["answerer"])}",
            var answer => $"{e["answerer"]} answers question {e["id"]}: {answer}",
        };

    private static string PullRequest(Fields e) => $"{e["repository"]}#{e["number"]}{After(": ", e["title"])}";

    private static string About(string kind, string agent) => kind + After(", ", agent);

    private static string After(string lead, string text) => text.Length == 0 ? "" : lead + text;

    private static string Cut(string sentence)
    {
        if (sentence.Length <= MostCharacters)
            return sentence;
        var end = char.IsHighSurrogate(sentence[MostCharacters - 1]) ? MostCharacters - 1 : MostCharacters;
        return $"{sentence.AsSpan(0, end)} …";
    }

    // The members of an event as text; "" for one that is missing. Agents have written many of them.
    private readonly struct Fields(JsonElement json)
    {
        public string this[string name] =>
            json.TryGetProperty(name, out var value)
                ? value.ValueKind switch
                {
                    JsonValueKind.String => VisibleText.OneLine(value.GetString()!),
                    JsonValueKind.Number or JsonValueKind.True or JsonValueKind.False => value.GetRawText(),
                    _ => "",
                }
                : "";

        public IEnumerable<string> List(string name) =>
            json.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.Array
                ? value
                    .EnumerateArray()
                    .Where(v => v.ValueKind == JsonValueKind.String)
                    .Select(v => VisibleText.OneLine(v.GetString()!))
                : [];
    }
}
