using Hive.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Waiting;

/// <summary>The one list of all that waits for the operator; other slices add its kinds.</summary>
internal sealed class WaitingModule : FeatureModule
{
    public WaitingModule()
    {
        Uses(nameof(Preferences), nameof(Tickets), nameof(Tasks));
        Schema<WaitingSchema>();
        Event<WaitingView>("waiting_changed", "waiting");
        Event<string>("waiting_removed", "key");
        Event<NotifyHookView>("notify_hook_changed", "notify_hook");
        Section<WaitingSection>();
        Section<NotifySection>();
        Check<NotifyCheck>();
        Host<ShowWork.Query>("work");
        Host<ListWaiting.Query>("waiting");
        Host<SubscribeWaiting.Query>("subscribe_waiting");
        Host<SnoozeWaiting.Command>("snooze_waiting");
        Host<UnsnoozeWaiting.Command>("unsnooze_waiting");
        Host<SeeWaiting.Command>("see_waiting");
        Host<UnseeWaiting.Command>("unsee_waiting");
        Get<ShowWork.Query>("/api/v1/work");
        Get<ListWaiting.Query>("/api/waiting");
        Get<GetWaiting.Query>("/api/waiting/{key}");
        Post<SnoozeWaiting.Command>("/api/waiting/{key}/snooze", alias: "/waiting/{key}/snooze");
        Post<UnsnoozeWaiting.Command>("/api/waiting/{key}/unsnooze", alias: "/waiting/{key}/unsnooze");
        Post<SeeWaiting.Command>("/api/waiting/{key}/seen", alias: "/waiting/{key}/seen");
        Post<UnseeWaiting.Command>("/api/waiting/{key}/unseen", alias: "/waiting/{key}/unseen");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<WaitingMarks>()
            .AddSingletonAs<WaitingList, ICommitObserver, IHostedService, IWaitingReports>()
            .AddSingleton<ITicketWaits>(provider => provider.GetRequiredService<WaitingList>())
            .AddSingleton<NotifyState>()
            .AddSingleton<NotifyPost>()
            .AddHostedService<NotifyHook>();
}
