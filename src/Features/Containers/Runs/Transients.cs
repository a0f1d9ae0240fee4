using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;

namespace Hive.Features.Containers.Runs;

/// <summary>What is under way with which agent. Each agent does one thing at a time; the guard that holds it clears
/// itself however the thing ends.</summary>
internal sealed class Transients(IStore store, TimeProvider clock)
{
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Transient> current = new();

    public IReadOnlyList<Transient> All => [.. current.Values.OrderBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>Begins something with an agent.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: something else is under way with it.</exception>
    public async Task<IAsyncDisposable> Begin(string agent, string kind)
    {
        var transient = new Transient(agent, kind, clock.GetUtcNow());
        while (!current.TryAdd(agent, transient))
        {
            if (current.TryGetValue(agent, out var other))
                throw Problem.Conflict(
                    $"{agent} is {other.Kind} since {other.SinceAt:HH:mm:ss} UTC; try again when that is done"
                );
        }

        await Announce(new TransientSet(transient));
        return new Guard(this, agent);
    }

    /// <summary>The same, as soon as nothing else is under way with it.</summary>
    public async Task<IAsyncDisposable> BeginInTurn(string agent, string kind, CancellationToken stopping)
    {
        while (true)
        {
            try
            {
                return await Begin(agent, kind);
            }
            catch (Problem)
            {
                // Somebody does something else with it, which ends.
                await Task.Delay(BusyPause, clock, stopping);
            }
        }
    }

    private async Task Announce(MediatR.INotification notification)
    {
        try
        {
            await store.Write<object?>(
                write =>
                {
                    write.Raise(notification);
                    return null;
                },
                CancellationToken.None
            );
        }
        catch (Problem)
        {
            // The database is out of order; what was asked for goes on all the same, or says so itself.
        }
    }

    private sealed class Guard(Transients owner, string agent) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            if (owner.current.TryRemove(agent, out _))
                await owner.Announce(new TransientCleared(agent));
        }
    }
}
