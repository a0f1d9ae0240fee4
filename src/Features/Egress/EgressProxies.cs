using System.Collections.Concurrent;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Features.Egress.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Egress;

/// <summary>Keeps the outbound proxies of all agents that have a list of hosts.</summary>
internal sealed class EgressProxies(
    HivePaths paths,
    NameLookups names,
    AgentRowSignal rows,
    ShareSize share,
    ILoggerFactory logs,
    TimeProvider clock
) : IEgress, IHostedService
{
    private readonly ConcurrentDictionary<string, EgressProxy> open = new();
    private readonly ConcurrentDictionary<string, Refusals> refused = new();

    /// <summary>The refused connections of an agent; null when there are none.</summary>
    public AgentEgress? RefusedOf(string agent) => refused.GetValueOrDefault(agent)?.View;

    /// <inheritdoc />
    public async Task Set(string agent, EgressRules? rules)
    {
        if (open.TryRemove(agent, out var former))
            await former.DisposeAsync();
        if (rules is null)
            return;
        var connector = new EgressConnector(agent, rules, refused.GetOrAdd(agent, _ => new Refusals(clock)), names);
        connector.Refused += () => rows.Mark(agent);
        var proxy = new EgressProxy(paths.AgentProxy(agent), connector, new Share(agent, share, clock), clock, logs);
        try
        {
            await proxy.Start();
        }
        catch
        {
            await proxy.DisposeAsync();
            throw;
        }

        open[agent] = proxy;
    }

    /// <inheritdoc />
    public async Task Forget(string agent)
    {
        await Set(agent, null);
        refused.TryRemove(agent, out _);
        names.Forget(agent);
    }

    public Task StartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) =>
        Task.WhenAll(open.Keys.Select(agent => Set(agent, null)));
}
