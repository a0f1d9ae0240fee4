using Dapper;
using Hive.Common.Storage;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <inheritdoc />
internal sealed class ProposedConfigs(IStore store) : IProposedConfigs
{
    public Task<ProposedConfig?> Newest(string agent, CancellationToken ct) =>
        store.Read(db => db.QuerySingleOrDefault<ProposedConfig>(NewestSql, new { agent }), ct);

    private const string NewestSql = $"""
        SELECT id AS ApprovalId, fetched_sha AS Sha
          FROM approvals
         WHERE agent = @agent
           AND kind = '{ApprovalKind.ApplyCommit}'
           AND status = '{ApprovalStatus.Pending}'
           AND resolved_at IS NULL
         ORDER BY id DESC
         LIMIT 1
        """;
}
