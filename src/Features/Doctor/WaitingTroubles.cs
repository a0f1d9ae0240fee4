using System.Data.Common;
using Hive.Common.Doctor;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Doctor;

/// <summary>Parts of the host that do not work: a damaged database, a disk that takes no writes, backups that
/// fail.</summary>
internal sealed class WaitingTroubles(IEnumerable<ITrouble> troubles, TimeProvider clock) : IWaiting
{
    private readonly Dictionary<string, DateTimeOffset> shown = [];

    public string Kind => "trouble";

    public string Decision => "follow the advice";

    public IEnumerable<WaitingThing> Read(DbConnection db) => [];

    public void Follow(INotification notification, IWaitingChanges changes) { }

    public string? Outcome(DbConnection db, string id) => null;

    /// <summary>Asks all parts, and replaces the rows. Only one caller at a time.</summary>
    public async Task Show(IWaitingChanges changes)
    {
        var found = (await Task.WhenAll(troubles.Select(t => t.Find()))).SelectMany(f => f).ToArray();
        foreach (var name in shown.Keys.Where(name => found.All(t => t.Name != name)).ToArray())
        {
            shown.Remove(name);
            changes.Remove(name);
        }

        foreach (var trouble in found)
        {
            shown.TryAdd(trouble.Name, clock.GetUtcNow());
            var since = shown[trouble.Name];
            changes.Put(
                new WaitingThing(trouble.Name, trouble.Text, since, WaitingUrgency.Soon, "/system")
                {
                    Detail = trouble.Text,
                    Version = since.ToUnixTimeMilliseconds(),
                    CanBePutAside = true,
                }
            );
        }
    }
}
