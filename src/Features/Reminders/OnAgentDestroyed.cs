using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Reminders;

/// <summary>Sets the pending reminders of a destroyed agent aside.</summary>
internal sealed class OnAgentDestroyed(
    IStore store,
    PendingReminders pending,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<OnAgentDestroyed> log
) : DestroyedAgentCleanup("reminders", store, roster, clock, lifetime, log)
{
    protected override void CleanUp(IWrite write, string agent) => AsideReminders.Put(write, pending, agent);
}
