using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>
/// Rebuilds at start the agents that were started with another harness, where the operator wants that; elsewhere they
/// show that they
/// need an update.
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
