using System.Collections.Concurrent;
using System.Net;

namespace Hive.Features.Egress;

/// <summary>Looks up the addresses of a name, and blocks until the resolver has answered.</summary>
/// <exception cref="System.Net.Sockets.SocketException">There is no such name, or no answer.</exception>
internal delegate IPAddress[] NameLookup(string name);

/// <summary>The look-ups of all agents. Each has a thread of its own: on the pool's, of which there are as many as
/// processors, a few resolvers that do not answer would hold up the whole host.</summary>
internal sealed class NameLookups(NameLookup names) : IDisposable
{
    /// <summary>The look-ups at a time; further ones wait.</summary>
    public const int Most = 32;

    /// <summary>Those of one agent.</summary>
    public const int MostOfAgent = 8;

    private readonly SemaphoreSlim places = new(Most);
    private readonly ConcurrentDictionary<string, SemaphoreSlim> ofAgents = new();

    /// <summary>Looks up a name for an agent. It keeps its places until the resolver has answered, since nothing can
    /// cancel that.</summary>
    /// <param name="agent">The agent, also after a restart.</param>
    /// <param name="name">The name.</param>
    /// <param name="ct">Gives up the wait for a place.</param>
    /// <exception cref="System.Net.Sockets.SocketException">There is no such name, or no answer.</exception>
    public async Task<IPAddress[]> Find(string agent, string name, CancellationToken ct)
    {
        var own = ofAgents.GetOrAdd(agent, _ => new SemaphoreSlim(MostOfAgent));
        await own.WaitAsync(ct);
        try
        {
            return await Find(name, ct);
        }
        finally
        {
            own.Release();
        }
    }

    /// <summary>Forgets an agent that is removed.</summary>
    public void Forget(string agent) => ofAgents.TryRemove(agent, out _);

    /// <summary>For the end of the host.</summary>
    public void Dispose() => places.Dispose();

    private async Task<IPAddress[]> Find(string name, CancellationToken ct)
    {
        await places.WaitAsync(ct);
        try
        {
            return await Task.Factory.StartNew(
                () => names(name),
                CancellationToken.None,
                TaskCreationOptions.LongRunning,
                TaskScheduler.Default
            );
        }
        finally
        {
            places.Release();
        }
    }
}
