using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Waits until a message is ready to be received, and leases nothing: for a program that wakes the client
/// which will receive it.</summary>
internal static class AwaitMessages
{
    /// <param name="Caller">The agent.</param>
    /// <param name="WaitSeconds">How long to wait; 0 returns at once.</param>
    /// <param name="After">Only a message with a higher id ends the wait.</param>
    internal sealed record Query(Caller Caller, long? WaitSeconds = null, long? After = null)
        : IRequest<Result>,
            IWaitingRequest;

    /// <param name="Ready">How many messages <c>recv</c> would find now.</param>
    /// <param name="Newest">The highest of their ids.</param>
    /// <param name="Told">The highest id with which a wait has ended in this run of the host; 0 for none.</param>
    internal sealed record Result(int Ready, long? Newest, long Told);

    internal sealed class Handler(IStore store, Watchers watchers, TimeProvider clock) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var name = request.Caller.Name;
            var wait = TimeSpan.FromSeconds(
                Math.Clamp(request.WaitSeconds ?? Limits.DefaultWaitSeconds, 0, Limits.MaxWaitSeconds)
            );
            var watcher = wait > TimeSpan.Zero ? new Watcher(request.After ?? 0) : null;
            var (found, waits) = await store.Write(
                write => watchers.Watch(write, name, watcher),
                CancellationToken.None
            );
            if (watcher is null || !waits)
                return found;

            await using (clock.CreateTimer(_ => watcher.Answer(), null, wait, Timeout.InfiniteTimeSpan))
            await using (cancellationToken.Register(watcher.Answer))
                await watcher.Task;
            return await store.Write(
                write => watchers.EndWatch(write, name, watcher, answered: !cancellationToken.IsCancellationRequested),
                CancellationToken.None
            );
        }
    }
}
