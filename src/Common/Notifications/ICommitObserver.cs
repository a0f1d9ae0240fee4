using MediatR;

namespace Hive.Common.Notifications;

/// <summary>Sees every notification right after its commit, in commit order. Quick, without I/O, and not failing: the
/// next event waits for it.</summary>
public interface ICommitObserver
{
    /// <summary>Called for every notification, one at a time.</summary>
    void OnCommitted(INotification notification);

    /// <summary>
    /// Called for every notification that will never be published, after its work was undone: whoever looked at memory
    /// meanwhile may have seen what was not to be.
    /// </summary>
    void OnUndone(INotification notification) { }
}
