using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Reminders.Contracts;

/// <summary>Raised when a reminder was set, when its delivery failed, and when the operator retries it.</summary>
internal sealed record ReminderChanged(ReminderView Reminder) : IDashboardNotification, IAgentRowNotification
{
    /// <inheritdoc />
    public string Agent => Reminder.Agent;

    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("reminder_changed", "reminder", Reminder);
}
