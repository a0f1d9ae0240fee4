using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>Shows one approval; on request, waits until it is resolved or the time is up.</summary>
internal static class ShowApproval
{
    internal sealed record Query(long Id, long? WaitSeconds = null) : IRequest<Result>, IWaitingRequest;

    internal sealed record Result(Approval Approval);

    internal sealed class Handler(IStore store, ApprovalEnds ends, TimeProvider clock) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            using var time = new CancellationTokenSource(
                TimeSpan.FromSeconds(Math.Clamp(request.WaitSeconds ?? 0, 0, Limits.MaxWaitSeconds)),
                clock
            );
            using var either = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, time.Token);
            while (true)
            {
                // Taken before the row is read, so that a resolution in between is not missed.
                var next = ends.Next;
                var row = await store.Read(db => ApprovalQueue.Require(db, request.Id), cancellationToken);
                if (row.ResolvedAt is not null || time.IsCancellationRequested)
                    return new Result(row.ToView());
                await next.WaitAsync(either.Token).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
                cancellationToken.ThrowIfCancellationRequested();
            }
        }
    }
}
