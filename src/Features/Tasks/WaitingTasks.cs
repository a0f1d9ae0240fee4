using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Tasks without which their ticket cannot go on: they have failed, or wait for a person.</summary>
internal sealed class WaitingFailed(ITickets tickets) : IWaiting
{
    public string Kind => "task_failed";

    public string Decision => "retry it, skip it, or release it";

    public IEnumerable<WaitingThing> Read(DbConnection db)
    {
        var rows = TaskTable.WaitingOf(db, tickets.Open(db).Select(t => t.Id));
        return [.. TaskViews.Of(db, rows).Where(Waits).Select(Thing)];
    }

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        switch (notification)
        {
            case TaskChanged { TicketEnded: false, Task: var task } when Waits(task):
                changes.Put(Thing(task));
                break;
            case TaskChanged { Task: var task }:
                changes.Remove(Id(task.Id));
                break;
            case TaskRemoved removed:
                changes.Remove(Id(removed.Id));
                break;
        }
    }

    public string? Outcome(DbConnection db, string id)
    {
        if (
            !long.TryParse(id, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
            || TaskTable.Find(db, number) is not { } row
        )
            return null;
        if (tickets.Find(db, row.Ticket) is { IsDone: true })
            return $"ticket {row.Ticket} has ended";
        var view = TaskViews.Of(db, [row])[0];
        return Waits(view) ? null : $"task {id} is {row.Status} now";
    }

    // A hold with a reason of the host's own; one that a person set is that person's matter.
    private static bool Waits(TaskView task) =>
        task.Status == TaskState.Failed
        || (
            task.Status == TaskState.Pending
            && task.Holds.Any(h => h.Hold == "operator" && TaskViews.IsOfHost(h.Reason))
        );

    private static WaitingThing Thing(TaskView task)
    {
        var reason = task.Holds.FirstOrDefault(h => h.Hold == "operator")?.Reason ?? task.ErrorMessage;
        var since = task.CompletedAt ?? task.CreatedAt;
        return new WaitingThing(Id(task.Id), task.Title, since, WaitingUrgency.Soon, $"/tickets/{task.Ticket}")
        {
            Agent = task.Agent,
            Detail = $"task {task.Id} of ticket {task.Ticket}: {reason}",
            Version = since.ToUnixTimeMilliseconds() + task.RetryCount + task.Faults,
        };
    }

    private static string Id(long task) => task.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Ready tasks that no agent has been able to do for half an hour.</summary>
internal sealed class WaitingUnservable : IWaiting
{
    private readonly IScheduler[] schedulers;
    private readonly Lazy<IWaitingReports> reports;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private HashSet<string> shown = [];

    public WaitingUnservable(IEnumerable<IScheduler> schedulers, Lazy<IWaitingReports> reports, TimeProvider clock)
    {
        (this.schedulers, this.reports, this.clock) = ([.. schedulers], reports, clock);
        foreach (var scheduler in this.schedulers)
            scheduler.UnservableChanged += Report;
    }

    public string Kind => "task_unservable";

    public string Decision => "give an agent the duty and the capabilities, or change the task";

    public IEnumerable<WaitingThing> Read(DbConnection db)
    {
        var now = Things();
        lock (gate)
            shown = [.. now.Select(thing => thing.Id)];
        return now;
    }

    public void Follow(INotification notification, IWaitingChanges changes) { }

    public string? Outcome(DbConnection db, string id) => null;

    private void Report()
    {
        var now = Things();
        HashSet<string> before;
        lock (gate)
            (before, shown) = (shown, [.. now.Select(thing => thing.Id)]);
        // Not under the lock: the list has one of its own, under which it reads this.
        var changes = reports.Value.Of(this);
        foreach (var gone in before.Except(now.Select(thing => thing.Id)))
            changes.Remove(gone);
        foreach (var thing in now)
            changes.Put(thing);
    }

    private List<WaitingThing> Things() =>
        [
            .. schedulers
                .SelectMany(scheduler => scheduler.Unservable(clock.GetUtcNow()))
                .Where(group => group.Tasks.Count > 0)
                .Select(group => new WaitingThing(
                    group.Tasks[0].ToString(CultureInfo.InvariantCulture),
                    group.Count == 1 ? "nobody can do a task" : $"nobody can do {group.Count} tasks",
                    group.SinceAt,
                    WaitingUrgency.Soon,
                    "/board"
                )
                {
                    Detail =
                        $"task {string.Join(", ", group.Tasks)} of {group.PhaseId} needs "
                        + (group.WantsAgent is { } only ? $"{only}, " : "")
                        + $"the duty {Common.Doors.DutyWords.Words(group.Needs)}"
                        + (group.Capabilities.Count > 0 ? $" with {string.Join(", ", group.Capabilities)}" : ""),
                    Version = group.SinceAt.ToUnixTimeMilliseconds(),
                }),
        ];
}
