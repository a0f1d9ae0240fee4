using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Counts an agent's unread, leased and parked messages.</summary>
internal static class InboxStatus
{
    internal sealed record Query(Caller Caller) : IRequest<Result>;

    internal sealed record Result(int Unread, int Leased, int Parked);

    internal sealed class Handler(IStore store, Inboxes inboxes) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Write(
                _ =>
                {
                    var (unread, leased, parked) = inboxes.Counts(request.Caller.Name);
                    return new Result(unread, leased, parked);
                },
                cancellationToken
            );
    }
}
