using System.Collections.Concurrent;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;

namespace Hive.Features.Containers.Runs;

/// <summary>Shows the operation in progress on each agent, and allows one at a time. The guard clears it however the
/// operation ends.</summary>
internal sealed class Transients(IStore store, TimeProvider clock)
{
    private static readonly TimeSpan BusyPause = TimeSpan.FromSeconds(1);

    private readonly ConcurrentDictionary<string, Transient> current = new();

    public IReadOnlyList<Transient> All => [.. current.Values.OrderBy(t => t.Name, StringComparer.Ordinal)];

    /// <summary>The operation in progress on an agent; null for none.</summary>
    public Transient? Of(string agent) => current.GetValueOrDefault(agent);

    /// <summary>Begins an operation on an agent.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: another operation is in progress.</exception>
    public async Task<IAsyncDisposable> Begin(string agent, string kind)
    {
        var transient = new Transient(agent, kind, clock.GetUtcNow());
        while (!current.TryAdd(agent, transient))
        {
            if (current.TryGetValue(agent, out var other))
                throw Problem.Conflict(
                    $"{agent} has been {other.Kind} since {other.SinceAt:HH:mm:ss} UTC; try again when that is done"
                );
        }

        await Announce(new TransientSet(transient));
        return new Guard(this, agent);
    }

    /// <summary>Begins an operation on an agent as soon as no other one is in progress.</summary>
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
                // Another operation is in progress.
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
            // The database fails; the operation goes on, or reports that itself.
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
