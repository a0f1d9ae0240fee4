using Hive.Common.Storage;

namespace Hive.Features.Agents;

/// <summary>The roster's table.</summary>
internal sealed class AgentsSchema : ISchema
{
    /// <summary>The table that every Hive with agents has.</summary>
    public const string Table = "agents";

    public string Slice => "agents";

    public int Version => 3;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            $"""
            CREATE TABLE IF NOT EXISTS {Table} (
                name          TEXT PRIMARY KEY,
                runtime       TEXT NOT NULL,
                paused        INTEGER NOT NULL DEFAULT 0,
                recipients    TEXT,
                active_model  TEXT,
                status_text   TEXT,
                status_set_at INTEGER,
                created_at    INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        if (editor.Column(Table, "paused_at", "INTEGER"))
            editor.Run($"UPDATE {Table} SET paused_at = unixepoch() * 1000 WHERE paused = 1");
        editor.Column(Table, "duty", "TEXT");
        editor.Column(Table, "capabilities", "TEXT");
        editor.Column(Table, "capacity", "INTEGER NOT NULL DEFAULT 1");
        editor.Column(Table, "phases", "TEXT");
        editor.Column(Table, "tags", "TEXT");
        editor.Column(Table, "capacity_delta", "INTEGER NOT NULL DEFAULT 0");
        editor.Column(Table, "work_override", "TEXT");
        editor.Column(Table, "held", "TEXT");
    }
}
