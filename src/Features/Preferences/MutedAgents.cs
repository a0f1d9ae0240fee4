using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Preferences.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Preferences;

/// <summary>Keeps the muted agents in memory.</summary>
internal sealed class MutedAgents(IStore store) : IMutedAgents, ICommitObserver, IHostedService
{
    private HashSet<string>? muted;

    /// <inheritdoc />
    public event Action? Changed;

    /// <inheritdoc />
    public bool Contains(string agent) => Volatile.Read(ref muted)?.Contains(agent) == true;

    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is not PreferencesChanged { Preferences.Muted: var now })
            return;
        var before = Interlocked.Exchange(ref muted, Of(now));
        if (before?.SetEquals(now) != true)
            Changed?.Invoke();
    }

    /// <inheritdoc />
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var read = await store.Read(StoredPreferences.Read, cancellationToken);
        // A change that was committed in the meantime is newer.
        Interlocked.CompareExchange(ref muted, Of(read.Muted), null);
    }

    /// <inheritdoc />
    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private static HashSet<string> Of(IReadOnlyList<string> names) => new(names, StringComparer.Ordinal);
}
