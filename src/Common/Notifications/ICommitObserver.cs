using MediatR;

namespace Hive.Common.Notifications;

/// <summary>Observes every notification right after its commit, in commit order. It must be quick, do no I/O and not
/// throw, because the next event waits for it.</summary>
public interface ICommitObserver
{
    /// <summary>Called for every notification, one at a time.</summary>
    void OnCommitted(INotification notification);

    /// <summary>
    /// Called for every notification that will never be published, after its work was undone. Readers of memory may
    /// have seen the undone change in the meantime.
    /// </summary>
    void OnUndone(INotification notification) { }
}
