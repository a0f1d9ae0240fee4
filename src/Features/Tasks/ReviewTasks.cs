using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <inheritdoc />
internal sealed class ReviewTasks(TaskMaking making, TaskChanges changes, RunEnds ends, OwnTask own, ITickets tickets)
    : IReviewTasks
{
    public long Add(IWrite write, long ticket, TaskSpec spec, IReadOnlyList<string> excludes, long? about) =>
        // Not counted against the tasks of a ticket: without its review the ticket could not go on.
        making
            .Add(
                write,
                tickets.Require(write.Db, ticket),
                [spec],
                _ => new TaskMaking.Origin(Principals.System, Parent: about, Kind: TaskKind.Review, Excludes: excludes)
            )[0]
            .Id;

    public IReadOnlyList<long> OfAgent(DbConnection db, string agent) =>
        [.. TaskTable.OfAgent(db, agent).Where(row => row.IsReview).Select(row => row.Id)];

    public TaskEntry Begin(IWrite write, Caller caller, long? task, long? run)
    {
        var row = own.Begin(write, caller, task, run);
        return row.IsReview
            ? row.ToEntry()
            : throw Problem.Invalid($"task {row.Id} is not a review; end it with complete_task or fail_task");
    }

    public IReadOnlyCollection<string> Excluded(DbConnection db, long task) =>
        TaskChanges.Excluded(db, TaskTable.Require(db, task));

    public void End(IWrite write, long task, string summary) =>
        ends.Complete(write, TaskTable.Require(write.Db, task), TaskRow.Json(new TaskResult(summary, [], [], [])));

    public void Cancel(IWrite write, long task, string reason)
    {
        if (TaskTable.Find(write.Db, task) is not { } row)
            return;
        if (row.IsOpen)
            ends.Cancel(write, row, reason, checksTicket: false);
        // It waits for a person no longer.
        else if (row.Status == TaskState.Failed)
            changes.Set(
                write,
                row,
                row with
                {
                    Status = TaskState.Cancelled,
                    ErrorMessage = $"Task cancelled: {reason}",
                }
            );
    }

    public void Accept(IWrite write, long task)
    {
        if (Reviewing(write, task) is { } row)
            ends.Accept(write, row);
    }

    public void Reject(IWrite write, long task, string feedback, int most)
    {
        if (Reviewing(write, task) is { } row)
            ends.Reject(write, row, feedback, most);
    }

    private static TaskRow? Reviewing(IWrite write, long task) =>
        TaskTable.Find(write.Db, task) is { Status: TaskState.Reviewing } row ? row : null;
}
