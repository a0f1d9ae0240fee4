using System.Data.Common;
using System.Text;
using System.Text.Json;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>
/// Ends barriers and merges, which no agent does: completed when enough of the tasks that they wait for are, failed
/// when too few of them are left. One that failed so is pending again when a failed task is tried again.
/// </summary>
internal static class Joins
{
    /// <summary>The longest merged result, in bytes of JSON: the brief of the next task has room for it.</summary>
    public const int MergedBytes = 32 * 1024;

    private const string Intersection = "intersection";
    private const string Custom = "custom";

    /// <summary>All merge strategies.</summary>
    public static readonly IReadOnlyList<string> Strategies = ["combine", "union", Intersection, Custom];

    /// <summary>True for a barrier or a merge that the tasks which it waits for have decided.</summary>
    public static bool IsDue(TaskRow row) =>
        row.IsJoin
        && (
            row.IsPending
                ? row.IsReady || row.IsHopeless
                : row is { Status: TaskState.Failed, ErrorKind: FailureKind.Dependency, IsHopeless: false }
        );

    /// <summary>A barrier or a merge that is due, as it is from now on.</summary>
    public static TaskRow Decided(DbConnection db, TaskRow row, TicketEntry ticket, TaskChanges changes)
    {
        if (!row.IsPending)
            return Again(row, ticket, changes);
        if (row.IsHopeless)
            return Failed(
                row,
                changes.Now,
                FailureKind.Dependency,
                $"needs {row.Needed} of {row.DepsTotal} tasks, and {row.DepsDead} of them have failed or were "
                    + "cancelled; retry or skip one of those"
            );
        var results = TaskTable.ResultsFor(db, row.Id);
        JsonElement? merged =
            row.Kind == TaskKind.Merge
                ? JsonSerializer.SerializeToElement(
                    Merged(
                        row,
                        [.. results.Select(r => OutputsOf(r.Result)).OfType<Dictionary<string, JsonElement>>()]
                    ),
                    WireJson.Options
                )
                : null;
        var bytes = merged is null ? 0 : Encoding.UTF8.GetByteCount(merged.Value.GetRawText());
        if (bytes > MergedBytes)
            return Failed(
                row,
                changes.Now,
                FailureKind.TooLarge,
                $"the merged outputs have {bytes} bytes; the limit is {MergedBytes}; skip this task, or make one with "
                    + "the strategy 'custom' and the fields that are needed"
            );
        return row with
        {
            Status = TaskState.Completed,
            CompletedAt = changes.Now,
            Result = TaskRow.Json(
                new TaskResult(
                    $"{results.Count} of {row.DepsTotal} tasks are completed: "
                        + string.Join(", ", results.Select(r => r.Id)),
                    [],
                    [],
                    [],
                    merged
                )
            ),
            ProgressPercent = 100,
            ErrorMessage = null,
            ErrorKind = null,
        };
    }

    /// <summary>A barrier or a merge that waits, with its time from now on.</summary>
    public static TaskRow Again(TaskRow row, TicketEntry ticket, TaskChanges changes) =>
        row with
        {
            Status = TaskState.Pending,
            Holds = (long)changes.HoldsOf(ticket, row),
            HoldReason = null,
            CompletedAt = null,
            ErrorMessage = null,
            ErrorKind = null,
            DeadlineAt = DeadlineOf(row.TimeoutSeconds, changes.Now),
        };

    /// <summary>A barrier or a merge that has failed.</summary>
    public static TaskRow Failed(TaskRow row, long now, string kind, string error) =>
        row with
        {
            Status = TaskState.Failed,
            CompletedAt = now,
            ErrorMessage = error,
            ErrorKind = kind,
        };

    /// <summary>The end of a time that begins now; null for none.</summary>
    public static long? DeadlineOf(long seconds, long now) => seconds > 0 ? now + (seconds * 1000) : null;

    // Objects alone have fields to merge; an empty one says nothing.
    private static Dictionary<string, JsonElement>? OutputsOf(string? result)
    {
        if (
            result is null
            || JsonSerializer.Deserialize<TaskResult>(result, WireJson.Options)?.Outputs
                is not { ValueKind: JsonValueKind.Object } outputs
        )
            return null;
        Dictionary<string, JsonElement> fields = [];
        foreach (var field in outputs.EnumerateObject())
            fields[field.Name] = field.Value;
        return fields.Count > 0 ? fields : null;
    }

    // In the order of the results; of a field that several have, the last one's value.
    private static Dictionary<string, JsonElement> Merged(TaskRow row, Dictionary<string, JsonElement>[] results)
    {
        var fields = TaskRow.List<string>(row.Fields).ToHashSet(StringComparer.Ordinal);
        var counts =
            row.MergeStrategy == Intersection
                ? results.SelectMany(result => result.Keys).CountBy(name => name).ToDictionary()
                : [];
        Dictionary<string, JsonElement> merged = [];
        foreach (var (name, value) in results.SelectMany(result => result))
        {
            var isTaken = row.MergeStrategy switch
            {
                Custom => fields.Contains(name),
                Intersection => counts[name] == results.Length,
                _ => true,
            };
            if (isTaken)
                merged[name] = value;
        }

        return merged;
    }
}
