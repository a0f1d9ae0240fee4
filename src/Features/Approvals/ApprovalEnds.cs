using Hive.Common.Notifications;
using Hive.Features.Approvals.Contracts;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Lets requests wait until an approval is resolved.</summary>
internal sealed class ApprovalEnds : ICommitObserver
{
    private TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the next approval is resolved, whichever it is.</summary>
    public Task Next => Volatile.Read(ref next).Task;

    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is ApprovalResolved)
            Interlocked
                .Exchange(ref next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
                .SetResult();
    }
}
