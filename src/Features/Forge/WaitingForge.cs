using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Features.Forge.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>The forge while it does not answer or a push fails, so that local commits are not pushed yet.</summary>
internal sealed class WaitingForge(ForgeStatus status, TimeProvider clock) : IWaiting
{
    private const string Id = "forge";

    // When it fell behind. Used under the lock of the list, and while it loads.
    private DateTimeOffset? since;

    public string Kind => "forge_behind";

    public string Decision => "retry with `hive forge sync`, or open the forge";

    public IEnumerable<WaitingThing> Read(DbConnection db) => Thing(status.View) is { } thing ? [thing] : [];

    public void Follow(INotification notification, IWaitingChanges changes)
    {
        if (notification is not ForgeChanged changed)
            return;
        if (Thing(changed.Forge) is { } thing)
            changes.Put(thing);
        else
            changes.Remove(Id);
    }

    public string? Outcome(DbConnection db, string id) => null;

    private WaitingThing? Thing(ForgeView forge)
    {
        var failed = forge.Repositories.Where(r => r.Behind && r.Error is not null).ToArray();
        var isDown = forge.State == ForgeState.Down;
        if (!isDown && failed.Length == 0)
        {
            since = null;
            return null;
        }

        since ??= clock.GetUtcNow();
        var many = failed.Length == 1 ? failed[0].Name : $"{failed.Length} repositories";
        return new WaitingThing(
            Id,
            isDown ? "the forge does not answer" : $"{many} could not be pushed to the forge",
            since.Value,
            WaitingUrgency.Fyi,
            "/system"
        )
        {
            Detail = isDown ? forge.Note : failed[0].Error,
            Version = since.Value.ToUnixTimeMilliseconds(),
        };
    }
}
