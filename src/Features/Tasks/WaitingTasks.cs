using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Tasks that have failed, without which their ticket cannot go on.</summary>
internal sealed class WaitingFailed(ITickets tickets) : WaitingTasks(tickets)
{
    public override string Kind => "task_failed";

    public override string Decision => "retry it, or skip it";

    protected override bool Waits(string status, bool isHeldByHost) => status == TaskState.Failed;

    protected override List<TaskRow> Rows(DbConnection db, IEnumerable<long> tickets) =>
        TaskTable.FailedOf(db, tickets);
}

/// <summary>Tasks that the host holds because a person has to look. A hold that a person set is that person's
/// matter.</summary>
internal sealed class WaitingHeld(ITickets tickets) : WaitingTasks(tickets)
{
    public override string Kind => "task_held";

    public override string Decision => "release it, or skip it";

    protected override bool Waits(string status, bool isHeldByHost) => isHeldByHost;

    protected override List<TaskRow> Rows(DbConnection db, IEnumerable<long> tickets) => TaskTable.HeldOf(db, tickets);
}

/// <summary>Tasks that wait for a person, as long as their ticket has not ended.</summary>
internal abstract class WaitingTasks(ITickets tickets) : IWaiting
{
    public abstract string Kind { get; }

    public abstract string Decision { get; }

    protected abstract bool Waits(string status, bool isHeldByHost);

    /// <summary>The tasks of tickets that may wait.</summary>
    protected abstract List<TaskRow> Rows(DbConnection db, IEnumerable<long> tickets);

    public IEnumerable<WaitingThing> Read(DbConnection db)
    {
        var rows = Rows(db, tickets.OpenIds(db)).FindAll(Waits);
        return [.. TaskViews.Of(db, rows).Select(Thing)];
    }

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        switch (notification)
        {
            case TaskChanged { TicketEnded: false, Task: var task } changed
                when Waits(task.Status, changed.IsHeldByHost):
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
        return Waits(row) ? null : $"task {id} is {row.Status} now";
    }

    private bool Waits(TaskRow row) => Waits(row.Status, row.IsHeldByHost);

    private static WaitingThing Thing(TaskView task)
    {
        var reason = task.Holds.FirstOrDefault(h => h.Hold == "operator")?.Reason ?? task.ErrorMessage;
        var since = task.CompletedAt ?? task.CreatedAt;
        return new WaitingThing(Id(task.Id), task.Title, since, WaitingUrgency.Soon, $"/tickets/{task.Ticket}")
        {
            Agent = task.Agent,
            Ticket = task.Ticket,
            Task = task.Id,
            Detail = $"task {task.Id} of ticket {task.Ticket}: {reason}",
            Version = since.ToUnixTimeMilliseconds() + task.RetryCount + task.Faults,
        };
    }

    private static string Id(long task) => task.ToString(CultureInfo.InvariantCulture);
}

/// <summary>Ready tasks that no agent fits, or whose agents have not been able to work for half an hour.</summary>
internal sealed class WaitingUnservable : IWaiting
{
    private const int NamedTasks = 10;

    private readonly IScheduler scheduler;
    private readonly Lazy<IWaitingReports> reports;
    private readonly TimeProvider clock;
    private readonly Lock gate = new();
    private HashSet<string> shown = [];

    public WaitingUnservable(IScheduler scheduler, Lazy<IWaitingReports> reports, TimeProvider clock)
    {
        (this.scheduler, this.reports, this.clock) = (scheduler, reports, clock);
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

    // One for each reason: a missing duty keeps tasks of many phases waiting.
    private List<WaitingThing> Things() =>
        [
            .. scheduler
                .Unservable(clock.GetUtcNow())
                .Where(group => group.Tasks.Count > 0)
                .GroupBy(
                    group => (group.Need, group.Reason),
                    (why, groups) => Thing(why.Need, why.Reason, [.. groups])
                ),
        ];

    private static WaitingThing Thing(string need, string reason, Unservable[] groups)
    {
        var count = groups.Sum(group => group.Count);
        var tasks = groups.SelectMany(group => group.Tasks).Order().ToList();
        var since = groups.Min(group => group.SinceAt);
        return new WaitingThing(
            tasks[0].ToString(CultureInfo.InvariantCulture),
            count == 1 ? $"nobody can do a task: it needs {need}" : $"nobody can do {count} tasks: they need {need}",
            since,
            WaitingUrgency.Soon,
            "/board"
        )
        {
            Detail =
                $"{(count == 1 ? "task" : "tasks")} {string.Join(", ", tasks.Take(NamedTasks))}"
                + (count > NamedTasks ? $" and {count - NamedTasks} more" : "")
                + $": {(count == 1 ? "needs" : "need")} {reason}",
            Version = since.ToUnixTimeMilliseconds(),
        };
    }
}
