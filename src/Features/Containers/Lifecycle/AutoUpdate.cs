using Hive.Features.Containers.Runs;
using Hive.Features.Containers.Verbs;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>
/// Rebuilds the agents that run another harness when the host starts, if the option AutoUpdate is set. Otherwise their
/// rows show that they need an update.
/// </summary>
internal sealed class AutoUpdate(UpdateRound round, AppliedState applied, HiveOptions options) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (options.AutoUpdate)
            round.Begin(agent => applied.IsOfAnotherHive(agent.Name));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
