using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Features.Reminders.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Reminders;

/// <summary>Reminders: messages that agents send to themselves later.</summary>
internal sealed class RemindersModule : FeatureModule
{
    public RemindersModule()
    {
        Uses(nameof(Agents), nameof(StateFiles), nameof(Messages));
        Schema<RemindersSchema>();
        Event<ReminderView>("reminder_changed", "reminder");
        Event<long>("reminder_removed", "id");
        Section<RemindersSection>();
        RowFields<PendingRemindersRowFields>();
        LooseEnds<ReminderLooseEnds>();
        Waiting<WaitingReminders>();
        Tool<Remind.Command>(
            "remind",
            "Send a message to yourself later, after a delay or at a time. It survives restarts and arrives in your "
                + "inbox from 'reminder'."
        );
        Tool<CancelReminder.Command>("cancel_reminder", "Cancel one of your own pending reminders.");
        Agent<CountPendingReminders.Query>("count_pending_reminders");
        Host<ListReminders.Query>("reminders");
        Host<CancelReminder.Command>("cancel_reminder");
        Host<RetryReminder.Command>("retry_reminder");
        Get<ListReminders.Query>("/api/reminders");
        Post<CancelReminder.Command>("/api/reminders/{id}/cancel", alias: "/cancel-reminder/{id}");
        Post<RetryReminder.Command>("/api/reminders/{id}/retry", alias: "/retry-reminder/{id}");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<PendingReminders>()
            .AddSingletonAs<ReminderScheduler, IHostedService>()
            .AddSingletonAs<OnAgentDestroyed, ICommitObserver>()
            .AddSingleton<IAgentDataCleanup, AsideReminders>();
}
