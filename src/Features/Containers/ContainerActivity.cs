using Hive.Common.Activities;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;

namespace Hive.Features.Containers;

/// <summary>Names what an agent's container does: an operation in progress, its end, or that it is connected.</summary>
internal sealed class ContainerActivity(ContainerStates states, Transients transients, IRoster roster) : IActivitySource
{
    public IEnumerable<Activity> Read(string agent) => roster.Find(agent) is { } entry ? [Of(entry)] : [];

    private Activity Of(AgentEntry agent)
    {
        var name = agent.Name;
        // Before a failure: somebody starts it again.
        if (transients.Of(name) is { } transient)
            return new Activity(transient.Kind, transient.SinceAt);
        var (container, since) = (states.Of(name), states.Since(name));
        if (container.Failed)
            return new Activity(ActivityState.Failed, since);
        if (container.Restart is { } restart)
            return new Activity(ActivityState.Restarting, since, UntilAt: restart.Due);
        if (states.IsConnected(name))
            return new Activity(ActivityState.Idle, states.ConnectedSince(name));
        // A container of which the runtime does not say whether it runs is not stopped.
        if (agent.Runtime == RuntimeCatalog.External || container.Unknown)
            return new Activity(ActivityState.NotConnected, states.ConnectedSince(name));
        if (container.Running is not { } run)
            return new Activity(ActivityState.Stopped, since);
        return states.HasConnected(name)
            ? new Activity(ActivityState.NotConnected, states.ConnectedSince(name))
            : new Activity(ActivityState.Starting, run.StartedAt);
    }
}
