using Hive.Common.Doors;

namespace Hive.Features.Reminders;

/// <summary>The doors of the reminders.</summary>
internal sealed class RemindersModule : FeatureModule
{
    public RemindersModule()
    {
        Tool<Remind.Command>(
            "remind",
            "Send a message to yourself later: after a delay or at a time. It survives restarts; it comes from 'reminder' into your inbox."
        );
        Tool<CancelReminder.Command>("cancel_reminder", "Take one of your own reminders back before it comes.");
        Agent<CountPendingReminders.Query>("count_pending_reminders");
        Host<ListReminders.Query>("reminders");
        Get<ListReminders.Query>("/api/reminders");
        Post<CancelReminder.Command>("/cancel-reminder/{id}");
        Post<RetryReminder.Command>("/retry-reminder/{id}");
    }
}
