using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>The messages about tasks besides <see cref="Brief"/>.</summary>
internal static class TaskMessages
{
    // Longer texts stand in the task itself.
    private const int ShownBytes = 2000;

    /// <summary>To the worker, whose result was reviewed.</summary>
    public static string Rejected(TaskRow row, string feedback, int most) =>
        Body(
            "task_rejected",
            row,
            json =>
            {
                json["feedback"] = Cut(feedback);
                json["iteration"] = row.Iteration;
                json["max_iterations"] = most;
                json["next"] = new JsonArray("wait for task_assigned: the task is given out again with the feedback");
            }
        );

    /// <summary>To the worker, whose turns have ended without a result.</summary>
    public static string Idle(TaskRow row, int nudge, int most) =>
        Body(
            "task_idle",
            row,
            json =>
            {
                json["nudge"] = nudge;
                json["of"] = most;
                json["next"] = row.IsReview
                    ? new JsonArray(
                        "review with a verdict",
                        "ask if you need an answer",
                        "report_progress if you are still at it"
                    )
                    : new JsonArray(
                        "complete_task if it is done",
                        "fail_task if it cannot be done",
                        "ask if you need an answer",
                        "report_progress if you are still at it"
                    );
            }
        );

    /// <summary>To the worker, whose run has ended.</summary>
    public static string Cancelled(TaskRow row, string reason) =>
        Body("task_cancelled", row, json => json["reason"] = Cut(reason));

    /// <summary>To the manager.</summary>
    public static string Failed(TaskRow row) =>
        Body(
            "task_failed",
            row,
            json =>
            {
                json["phase_id"] = row.PhaseId;
                json["error"] = Cut(row.ErrorMessage ?? "");
                json["error_kind"] = row.ErrorKind;
                json["retry_count"] = row.RetryCount;
                json["next"] = new JsonArray("change_task with the action retry, skip or cancel");
            }
        );

    private static string Body(string kind, TaskRow row, Action<JsonObject> more)
    {
        var json = new JsonObject
        {
            ["event"] = kind,
            ["id"] = row.Id,
            ["run"] = row.Run,
            ["ticket"] = row.Ticket,
            ["title"] = row.Title,
        };
        more(json);
        return json.ToJsonString(WireJson.Options);
    }

    private static string Cut(string text) => Common.Doors.TextRules.Cut(text, ShownBytes);
}
