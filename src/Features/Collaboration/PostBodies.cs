using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>Composes the messages of posts. An agent gets an event, so that it sees which thread to answer in; the
/// operator gets the text.</summary>
internal static class PostBodies
{
    // Longer texts are whole in the thread; the limits keep a message within that of the host's bodies.
    private const int TextBytes = 10 * 1024;
    private const int LineBytes = 1024;

    /// <summary>A post, to an agent.</summary>
    public static string Event(ThreadRow thread, PostRow post)
    {
        var json = new JsonObject
        {
            ["event"] = "thread_post",
            ["thread"] = thread.Id,
            ["post"] = post.Id,
            ["subject"] = TextRules.Cut(thread.Subject, LineBytes),
            ["from"] = post.Author,
            ["type"] = post.Type,
        };
        Add(json, "to", post.ToAgent);
        if (thread.Ticket is { } ticket)
            json["ticket"] = ticket;
        if (thread.Task is { } task)
            json["task"] = task;
        AddText(json, post.Body);
        json["next"] = new JsonArray(
            $"thread with action post and thread {Number(thread.Id)} to answer",
            "thread with action read for what was said before"
        );
        return json.ToJsonString(WireJson.Options);
    }

    /// <summary>A post, to the operator.</summary>
    public static string Plain(ThreadRow thread, PostRow post) =>
        $"{post.Body}\n\nThread {Number(thread.Id)}: {thread.Subject}";

    /// <summary>A step of a handoff, to an agent.</summary>
    /// <param name="kind">The event, such as <c>handoff_accepted</c>.</param>
    /// <param name="handoff">The handoff.</param>
    /// <param name="title">The title of its task.</param>
    /// <param name="post">The post that tells the step.</param>
    public static string Event(string kind, HandoffRow handoff, string title, PostRow post)
    {
        var json = Handoff(kind, handoff, title);
        json["by"] = post.Author;
        AddText(json, post.Body);
        return json.ToJsonString(WireJson.Options);
    }

    /// <summary>The request, to an agent.</summary>
    public static string Asked(HandoffRow handoff, TaskEntry task, PostRow post)
    {
        var json = Handoff("handoff_requested", handoff, task.Title);
        json["by"] = post.Author;
        json["phase_id"] = task.PhaseId;
        json["task_type"] = task.TaskType;
        AddText(json, handoff.Reason, "reason");
        if (Rows.Object(handoff.Context) is { } context)
            json["context"] = context;
        json["deadline_at"] = System.Text.Json.JsonSerializer.SerializeToNode(
            Rows.Instant(handoff.DeadlineAt),
            WireJson.Options
        );
        json["next"] = new JsonArray(
            $"{handoff.ToAgent} answers with handoff, action accept or decline and handoff {Number(handoff.Id)}; after "
                + "accept the task comes as task_assigned"
        );
        return json.ToJsonString(WireJson.Options);
    }

    private static JsonObject Handoff(string kind, HandoffRow handoff, string title) =>
        new()
        {
            ["event"] = kind,
            ["handoff"] = handoff.Id,
            ["thread"] = handoff.Thread,
            ["ticket"] = handoff.Ticket,
            ["task"] = handoff.Task,
            ["title"] = TextRules.Cut(title, LineBytes),
            ["from"] = handoff.FromAgent,
            ["to"] = handoff.ToAgent,
        };

    private static void AddText(JsonObject json, string text, string member = "text")
    {
        var shown = TextRules.Cut(text, TextBytes);
        json[member] = shown;
        if (shown.Length != text.Length)
            json["truncated"] = true;
    }

    private static void Add(JsonObject json, string member, string? text)
    {
        if (text is not null)
            json[member] = text;
    }

    private static string Number(long id) => id.ToString(CultureInfo.InvariantCulture);
}
