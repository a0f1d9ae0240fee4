using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Approvals;

/// <summary>
/// Lists the pending approvals, oldest first; on request also the building ones and the newest resolved ones.
/// </summary>
internal static class ListApprovals
{
    private const int Shown = 50;

    internal sealed record Query(bool? All = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Approval> Approvals);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(
                    request.All == true
                        ? [.. NewestResolved(db).Reverse(), .. Open(db)]
                        : [.. Open(db).Where(a => a.Status == ApprovalStatus.Pending)]
                ),
                cancellationToken
            );
    }

    internal static IReadOnlyList<Approval> Open(DbConnection db) =>
        [.. db.Query<ApprovalRow>(OpenSql).Select(r => r.ToView())];

    internal static IReadOnlyList<Approval> NewestResolved(DbConnection db) =>
        [.. db.Query<ApprovalRow>(ResolvedSql, new { Shown }).Select(r => r.ToView())];

    private const string OpenSql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE resolved_at IS NULL AND status <> '{ApprovalQueue.Fetching}'
         ORDER BY id
        """;

    private const string ResolvedSql = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals
         WHERE resolved_at IS NOT NULL
         ORDER BY resolved_at DESC, id DESC
         LIMIT @Shown
        """;
}
