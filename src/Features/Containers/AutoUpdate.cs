using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Containers;

/// <summary>
/// Rebuilds at start the agents that were started with another harness, where the operator wants that; elsewhere they show that they
/// need an update.
/// </summary>
internal sealed class AutoUpdate(UpdateRound round, AppliedState applied, IConfiguration configuration) : IHostedService
{
    public Task StartAsync(CancellationToken cancellationToken)
    {
        if (configuration["AutoUpdate"]?.ToUpperInvariant() is "TRUE" or "1" or "ON")
            round.Begin(agent => applied.IsOfAnotherHive(agent.Name));
        return Task.CompletedTask;
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
