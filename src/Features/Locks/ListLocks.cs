using System.Data.Common;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Locks;

/// <summary>Lists the locks that are held and the requests that wait, the oldest first, at most 200.</summary>
internal static class ListLocks
{
    /// <summary>The most that are listed.</summary>
    public const int Most = 200;

    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<LockView> Locks);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(await store.Read(Open, cancellationToken));
    }

    /// <summary>The list, inside a read of the caller.</summary>
    public static IReadOnlyList<LockView> Open(DbConnection db) =>
        [.. LockRows.Open(db, Most).Select(row => row.ToView())];
}
