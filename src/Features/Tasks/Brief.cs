using System.Data.Common;
using System.Text;
using System.Text.Json.Nodes;
using Hive.Common.Doors;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>Composes what an agent is told of its task.</summary>
internal sealed class Brief(
    ITickets tickets,
    IWorkflows workflows,
    RunBudgets budgets,
    Lazy<IEnumerable<IBriefPart>> parts
)
{
    /// <summary>The longest brief that <c>get_work</c> answers, in bytes; the rest of the line is the door's.</summary>
    public const int WholeBytes = 60 * 1024;

    // The most bytes of the results of the tasks that a task waited for; the rest of a brief is for the task itself.
    private const int ResultsBytes = 40 * 1024;

    // The members that are cut when a brief is too long, the first ones first.
    private static readonly string[] MembersToCut =
    [
        "hints",
        "context",
        "results",
        "ticket_description",
        "description",
        "phase_prompt",
        "done_definitions",
        "expected_outputs",
        "last_error",
        "handoff",
    ];

    /// <summary>The message that gives a task to its agent, of at most <see cref="Limits.HostBodyBytes"/>.</summary>
    public string Message(DbConnection db, TaskRow row, TicketEntry ticket)
    {
        var json = Compose(db, row, ticket, isWhole: false);
        json.Insert(0, "event", "task_assigned");
        // Few are too long, and each text is written as part of a claim.
        var text = json.ToJsonString(WireJson.Options);
        if (Encoding.UTF8.GetByteCount(text) <= Limits.HostBodyBytes)
            return text;
        Cut(json, Limits.HostBodyBytes, MembersToCut);
        return json.ToJsonString(WireJson.Options);
    }

    /// <summary>The same for <c>get_work</c>, whole unless it is longer than a line may be.</summary>
    public JsonObject Whole(DbConnection db, TaskRow row)
    {
        var json = Compose(db, row, tickets.Require(db, row.Ticket), isWhole: true);
        json["status"] = row.Status;
        Cut(json, WholeBytes, MembersToCut);
        return json;
    }

    private JsonObject Compose(DbConnection db, TaskRow row, TicketEntry ticket, bool isWhole)
    {
        var phase = workflows.Find(ticket.Workflow)?.Phases.FirstOrDefault(p => p.Id == row.PhaseId);
        var json = new JsonObject
        {
            ["id"] = row.Id,
            ["run"] = row.Run,
            ["ticket"] = row.Ticket,
            ["title"] = row.Title,
            ["ticket_title"] = ticket.Title,
            ["phase_id"] = row.PhaseId,
            ["task_type"] = row.TaskType,
            ["priority"] = Priorities.Word((int)row.Priority),
        };
        if (ticket.Labels.Count > 0)
            json["ticket_labels"] = Node(ticket.Labels);
        if (ticket.Repository is not null)
            json["ticket_repository"] = ticket.Repository;
        if (row.IsReview)
            json["review"] = true;
        if (row.Description.Length > 0)
            json["description"] = row.Description;
        if (ticket.Description.Length > 0 && ticket.Description != row.Description)
            json["ticket_description"] = ticket.Description;
        // It is written for those who do the work.
        if (phase?.PhasePrompt is { } prompt && !row.IsReview)
            json["phase_prompt"] = prompt;
        if (phase?.DoneDefinitions is { Count: > 0 } done)
            json["done_definitions"] = Node(done);
        if (row.Wanted is { Count: > 0 } locks)
            json["locks"] = Node(locks);
        if (row.RetryCount > 0 || row.ErrorKind == FailureKind.NeedsInput)
        {
            json["try"] = row.RetryCount + 1;
            json["last_error"] = row.ErrorMessage;
        }

        if (row.DeadlineAt is not null)
            json["deadline_at"] = Node(TaskViews.Instant(row.DeadlineAt));
        json["timeout_seconds"] = row.TimeoutSeconds;
        if (budgets.LeftUsd(row, ticket) is { } left)
            json["budget_left_usd"] = left;
        if (isWhole && row.DepsDone > 0)
            json["results"] = Results(db, row);
        var entry = row.ToEntry();
        foreach (var part in parts.Value)
            part.Add(db, entry, ticket, json, isWhole);
        json["next"] = row.IsReview
            ? new JsonArray("get_work for the artifacts", "review with a verdict")
            : new JsonArray(
                "report_progress",
                "complete_task, or fail_task with a reason",
                "ask when you need an answer"
            );
        return json;
    }

    // In the order in which they were named; those for which there is no room are named without their results.
    private static JsonArray Results(DbConnection db, TaskRow row)
    {
        var results = new JsonArray();
        var left = ResultsBytes;
        foreach (var (id, title, result) in TaskTable.ResultsFor(db, row.Id))
        {
            var one = new JsonObject { ["task"] = id, ["title"] = title };
            if (result is not null && Encoding.UTF8.GetByteCount(result) <= left)
            {
                one["result"] = JsonNode.Parse(result);
                left -= Encoding.UTF8.GetByteCount(result);
            }

            results.Add(one);
        }

        return results;
    }

    /// <summary>Cuts members of an object that is too long, and notes which. A text is shortened; anything else that
    /// has to go is left out.</summary>
    /// <param name="json">The object.</param>
    /// <param name="most">The limit in bytes.</param>
    /// <param name="members">Those that may be cut, the first ones first.</param>
    public static void Cut(JsonObject json, int most, IEnumerable<string> members)
    {
        if (Length(json) <= most)
            return;
        json["truncated"] = true;
        var cut = new JsonArray();
        json["cut"] = cut;
        foreach (var name in members)
        {
            var over = Length(json) - most + name.Length + 3;
            if (over <= 0)
                break;
            if (json[name] is not { } member)
                continue;
            cut.Add(name);
            var bytes = Length(member) - over;
            if (member is JsonValue value && value.TryGetValue(out string? text) && bytes > 100)
                json[name] = TextRules.Cut(text, bytes - 2);
            else
                json.Remove(name);
        }
    }

    private static int Length(JsonNode json) => Encoding.UTF8.GetByteCount(json.ToJsonString(WireJson.Options));

    private static JsonNode? Node<T>(T value) =>
        System.Text.Json.JsonSerializer.SerializeToNode(value, WireJson.Options);
}
