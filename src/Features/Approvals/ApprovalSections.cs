using System.Data.Common;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>The pending and building approvals in the snapshot, oldest first.</summary>
internal sealed class ApprovalsSection : IDashboardSection
{
    public string Name => "approvals";

    public Type Type => typeof(IReadOnlyList<Approval>);

    public object Read(DbConnection db) => ListApprovals.Open(db);
}

/// <summary>The newest resolved approvals in the snapshot, newest first.</summary>
internal sealed class ApprovalHistorySection : IDashboardSection
{
    public string Name => "approval_history";

    public Type Type => typeof(IReadOnlyList<Approval>);

    public object Read(DbConnection db) => ListApprovals.NewestResolved(db);
}

/// <summary>The unresolved approvals that an agent has asked for.</summary>
internal sealed class ApprovalLooseEnds(TimeProvider clock) : ILooseEnds
{
    public IEnumerable<LooseEnd> Read(DbConnection db, string? agent)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        var shown = LooseEnd.ShownCharacters(agent);
        return db.Query<ApprovalRow>(agent is null ? OfAll : OfOne, new { agent })
            .Select(row => new LooseEnd(
                "approval",
                row.Id,
                row.Requester,
                Text(row, shown),
                Math.Max(0, now - row.RequestedAt) / 1000
            ))
            .ToArray();
    }

    private static string Text(ApprovalRow row, int shown)
    {
        var what = row.Kind switch
        {
            ApprovalKind.Spawn => $"spawn {row.Agent}",
            ApprovalKind.ApplyCommit => $"apply {row.CommitRef} to {row.Agent}",
            _ => $"update {string.Join(", ", row.InputNames ?? [])}",
        };
        var text = row.Description is null ? what : $"{what}: {row.Description}";
        return TextRules.CutCharacters(text, shown);
    }

    // Requests of the operator are left out, because no agent waits for them.
    private const string OfAll = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals INDEXED BY approvals_requester
         WHERE resolved_at IS NULL
           AND status <> '{ApprovalQueue.Fetching}'
           AND requester <> '{Agents.Contracts.Principals.Operator}'
         ORDER BY id
        """;

    private const string OfOne = $"""
        SELECT {ApprovalRow.Columns}
          FROM approvals INDEXED BY approvals_requester
         WHERE resolved_at IS NULL AND status <> '{ApprovalQueue.Fetching}' AND requester = @agent
         ORDER BY id
        """;
}
