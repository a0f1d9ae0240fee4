using Hive.Common.Notifications;

namespace Hive.Features.Reminders.Contracts;

/// <summary>Raised when a reminder was delivered or cancelled.</summary>
internal sealed record ReminderRemoved(long Id, string Agent) : IDashboardNotification, IAgentRowNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("reminder_removed", "id", Id);
}
