using Hive.Common.Storage;

namespace Hive.Features.Approvals;

/// <summary>The table of all approvals, whatever their status.</summary>
internal sealed class ApprovalsSchema : ISchema
{
    public string Slice => "approvals";

    public int Version => 3;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS approvals (
                id           INTEGER PRIMARY KEY AUTOINCREMENT,
                agent        TEXT NOT NULL,
                kind         TEXT NOT NULL,
                commit_ref   TEXT NOT NULL DEFAULT '',
                status       TEXT NOT NULL,
                requester    TEXT NOT NULL,
                requested_at INTEGER NOT NULL,
                resolved_at  INTEGER,
                description  TEXT,
                note         TEXT,
                fetched_sha  TEXT,
                base_sha     TEXT,
                runtime      TEXT,
                inputs       TEXT
            )
            """
        );
        // Failed because its agent was destroyed, which nobody was told: pending again when the agent is revived.
        editor.Column("approvals", "aside", "INTEGER NOT NULL DEFAULT 0");
        // Earlier versions noted the deployed commit when they began to build an approved proposal; the other kinds
        // fail only after they were approved.
        if (editor.Column("approvals", "approved_at", "INTEGER"))
            editor.Run(
                """
                UPDATE approvals
                   SET approved_at = coalesce(resolved_at, requested_at)
                 WHERE status IN ('building', 'approved')
                    OR (status = 'failed' AND (kind <> 'apply_commit' OR base_sha IS NOT NULL))
                """
            );
        editor.Run("CREATE INDEX IF NOT EXISTS approvals_open ON approvals (id) WHERE resolved_at IS NULL");
        editor.Run(
            "CREATE INDEX IF NOT EXISTS approvals_requester ON approvals (requester, id) WHERE resolved_at IS NULL"
        );
        editor.Run(
            "CREATE INDEX IF NOT EXISTS approvals_resolved ON approvals (resolved_at, id) WHERE resolved_at IS NOT NULL"
        );
        editor.Run("CREATE INDEX IF NOT EXISTS approvals_agent ON approvals (agent, id)");
    }
}
