using System.Data.Common;
using System.Globalization;
using Hive.Common.Notifications;
using Hive.Features.Reminders.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Reminders that could not be delivered: to know while Hive retries them, and for a decision after the last
/// attempt.</summary>
internal sealed class WaitingReminders : IWaiting
{
    public string Kind => "reminder_failed";

    public string Decision => "retry it or cancel it";

    public IEnumerable<WaitingThing> Read(DbConnection db) =>
        ListReminders.Pending(db).Where(r => r.AttemptCount > 0).Select(Thing);

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is ReminderChanged { Reminder: { AttemptCount: > 0 } failed })
            changes.Put(Thing(failed));
        else if (notification is ReminderChanged changed)
            changes.Remove(Id(changed.Reminder.Id));
        else if (notification is ReminderRemoved removed)
            changes.Remove(Id(removed.Id));
    }

    public string? Outcome(DbConnection db, string id) => null;

    private static WaitingThing Thing(ReminderView reminder) =>
        new(
            Id(reminder.Id),
            reminder.Message,
            reminder.DueAt,
            reminder.AttemptCount >= Limits.ReminderAttempts ? WaitingUrgency.Soon : WaitingUrgency.Fyi
        )
        {
            Agent = reminder.Agent,
            Detail = $"attempt {reminder.AttemptCount} of {Limits.ReminderAttempts} failed: {reminder.LastError}",
            Refs = reminder.FileRefs,
            Version = reminder.AttemptCount,
        };

    private static string Id(long id) => id.ToString(CultureInfo.InvariantCulture);
}
