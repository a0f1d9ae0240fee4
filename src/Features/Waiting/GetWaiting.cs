using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Reads one row by its key, also one that was marked as seen; for a key under which nothing waits, says what
/// became of it.</summary>
internal static class GetWaiting
{
    internal sealed record Query(string Key) : IRequest<Result>;

    internal sealed record Result(WaitingView Waiting);

    internal sealed class Handler(IStore store, WaitingList list) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(list.Find(db, request.Key)), cancellationToken);
    }
}
