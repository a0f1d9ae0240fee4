using Hive.Common.Doctor;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Turns;

/// <summary>Finds agents that run and whose driver cannot work, as their harnesses report it; without a host there are none.</summary>
internal sealed class DriversCheck(IRoster roster, Harnesses harnesses) : ICheck
{
    private const string Topic = "agents";

    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) =>
        Task.FromResult<IReadOnlyList<Finding>>([.. roster.All.Select(agent => Of(agent.Name)).OfType<Finding>()]);

    private Finding? Of(string agent)
    {
        var now = harnesses.Of(agent);
        if (now.Missing is { } missing)
        {
            var cut = missing.IndexOf("; ", StringComparison.Ordinal);
            return new Finding(Topic, agent, FindingState.Failed, cut < 0 ? missing : missing[..cut], cut < 0 ? null : missing[(cut + 2)..]);
        }

        return HarnessState.NeedsLogin(now.State)
            ? new Finding(Topic, agent, FindingState.Failed, $"its driver {now.Driver} needs a login", $"Log in on the page of {agent}: hive open")
            : null;
    }
}
