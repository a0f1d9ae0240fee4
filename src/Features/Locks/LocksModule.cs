using Hive.Common;
using Hive.Common.Doors;
using Hive.Features.Locks.Contracts;
using Hive.Features.Locks.Rest;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Features.Locks;

/// <summary>Locks: tasks that must not work on the same thing at once say so. They keep out only those who
/// ask.</summary>
internal sealed class LocksModule : FeatureModule
{
    public LocksModule()
    {
        Uses(nameof(Agents), nameof(Messages));
        Schema<LocksSchema>();
        Event<LockView>("lock_changed", "lock");
        Section<LocksSection>();
        LooseEnds<LockLooseEnds>();
        Tool<UseLock.Command>(
            "lock",
            "Lock a resource that no other task must use at the same time, release it, or list locks. It keeps out "
                + "only those who ask too. All locks of a task end with its run.",
            Duty.Worker
        );
        Host<ListLocks.Query>("locks");
        Host<ReleaseLock.Command>("lock_release");
        Get<RestListLocks.Query>("/api/v1/locks");
        Post<RestAcquireLock.Command>("/api/v1/locks");
        Post<RestReleaseLock.Command>("/api/v1/locks/{id}/release");
    }

    protected override void Services(IServiceCollection services) =>
        services
            .AddSingleton<Deadlines<LockDeadline>>()
            .AddSingleton(provider => new Lazy<ILockTasks>(provider.GetRequiredService<ILockTasks>))
            .AddSingletonAs<LockTable, ILocks>()
            .AddHostedService<LockTimers>()
            .AddHostedService<VacuumLocks>();
}
