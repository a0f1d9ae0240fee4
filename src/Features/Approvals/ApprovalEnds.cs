using Hive.Common.Notifications;
using Hive.Features.Approvals.Contracts;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Tells those who wait that some approval has come to its end.</summary>
internal sealed class ApprovalEnds : ICommitObserver
{
    private TaskCompletionSource next = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes at the next end of any approval.</summary>
    public Task Next => Volatile.Read(ref next).Task;

    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is ApprovalResolved)
            Interlocked
                .Exchange(ref next, new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously))
                .SetResult();
    }
}
