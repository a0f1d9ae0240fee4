using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Collaboration.V1;

/// <summary>Lists the posts of a thread for <c>/api/v1</c>, the newest first.</summary>
internal static class ListMessages
{
    /// <param name="Id">The thread.</param>
    /// <param name="Caller">The operator.</param>
    /// <param name="Limit">At most 200.</param>
    /// <param name="UnreadOnly">Those that not every recipient has read.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(long Id, Caller Caller, int Limit = 50, bool? UnreadOnly = null, long? Before = null)
        : IRequest<IReadOnlyList<CollaborationMessage>>;

    internal sealed class Handler(IStore store, ThreadTable table)
        : IRequestHandler<Query, IReadOnlyList<CollaborationMessage>>
    {
        public Task<IReadOnlyList<CollaborationMessage>> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read<IReadOnlyList<CollaborationMessage>>(
                db =>
                {
                    var thread = Threads.Require(db, q.Caller, q.Id);
                    var limit = Math.Clamp(q.Limit, 1, ThreadFilter.Most);
                    var page =
                        q.UnreadOnly == true
                            ? table.Unread(db, thread.Id, limit, q.Before)
                            : ThreadTable.Posts(db, thread.Id, limit, q.Before);
                    return [.. table.Views(db, page).Select(post => new CollaborationMessage(post))];
                },
                cancellationToken
            );
    }
}
