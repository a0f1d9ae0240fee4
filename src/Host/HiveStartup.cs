using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Dashboard;

namespace Hive.Host;

/// <summary>Loads every feature's state into memory before any feature starts.</summary>
internal sealed class HiveStartup(IStore store, Roster roster, OperatorKeys keys, string token) : IHostedService
{
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        await roster.Load(store, cancellationToken);
        await keys.Load(store, token, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
