using Hive.Common.Doctor;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Runs;
using Hive.Protocol;
using Hive.Runtimes;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers;

/// <summary>Finds agents that an older Hive started and that still run; finds nothing when no host runs.</summary>
internal sealed class RunsCheck(IServiceProvider services, IHostApplicationLifetime lifetime) : ICheck
{
    public Task<IReadOnlyList<Finding>> Run(CancellationToken ct) => Task.FromResult(Find());

    private IReadOnlyList<Finding> Find()
    {
        // Both need the database, which must not be opened when no host runs.
        if (!lifetime.ApplicationStarted.IsCancellationRequested)
            return [];
        var (roster, states) = (services.GetRequiredService<IRoster>(), services.GetRequiredService<ContainerStates>());
        return
        [
            .. roster
                .All.Where(agent => states.Of(agent.Name).Running?.Weakness == RunNote.Older)
                .Select(agent => new Finding(
                    "agents",
                    agent.Name,
                    FindingState.Failed,
                    "started by an older Hive, which may isolate it less",
                    $"Restart it: hive restart {agent.Name}"
                )),
        ];
    }
}
