using Hive.Common.Doors;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Counts the caller's pending reminders.</summary>
internal static class CountPendingReminders
{
    internal sealed record Query(Caller Caller) : IRequest<Result>;

    internal sealed record Result(int Count);

    internal sealed class Handler(PendingReminders pending) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(pending.Of(request.Caller.Name)));
    }
}
