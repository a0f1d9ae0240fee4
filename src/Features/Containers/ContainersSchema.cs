using Hive.Common.Storage;

namespace Hive.Features.Containers;

/// <summary>Stores the state that each agent's container should have. Only the runtime knows its current
/// state.</summary>
internal sealed class ContainersSchema : ISchema
{
    public string Slice => "containers";

    public int Version => 10;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS containers (
                agent       TEXT PRIMARY KEY,
                wanted      TEXT NOT NULL,
                failed      INTEGER NOT NULL DEFAULT 0,
                note        TEXT
            ) WITHOUT ROWID
            """
        );
        // Unfinished creations of agents, and the folders that existed before.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS creations (
                agent       TEXT PRIMARY KEY,
                revived     INTEGER NOT NULL,
                configured  INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        // Destroyed agents of which something is still to be removed: a container in that runtime, and with a purge all
        // of their files.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS removals (
                agent       TEXT NOT NULL,
                runtime     TEXT NOT NULL,
                purge       INTEGER NOT NULL,
                PRIMARY KEY (agent, runtime)
            ) WITHOUT ROWID
            """
        );
        // The settings of a destroyed agent, for its revival.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS former_agents (
                agent         TEXT PRIMARY KEY,
                runtime       TEXT NOT NULL,
                ran           INTEGER NOT NULL,
                paused        INTEGER NOT NULL,
                status_text   TEXT,
                status_set_at INTEGER
            ) WITHOUT ROWID
            """
        );
        // The operator's changes of the tasks that it took, as JSON.
        editor.Column("former_agents", "work_override", "TEXT");
        // The times of its restarts after failures, as a list of unix milliseconds.
        editor.Column("containers", "restarts", "TEXT");
        // The configuration that it runs on, and whether the manager was told that this is outdated.
        editor.Column("containers", "runs_on", "TEXT");
        editor.Column("containers", "needs_update", "INTEGER NOT NULL DEFAULT 0");
        // A note about its start waits for its next message, with this text.
        editor.Column("containers", "wake", "INTEGER NOT NULL DEFAULT 0");
        editor.Column("containers", "wake_text", "TEXT");
        // The current run was told to end so that another one follows.
        editor.Column("containers", "restarting", "INTEGER NOT NULL DEFAULT 0");
        // When its last run ended or a start failed, in unix milliseconds.
        editor.Column("containers", "changed_at", "INTEGER");
        // Why it waits for a start until its files fit, for a person; null when it does not.
        editor.Column("containers", "over_limit", "TEXT");
    }
}
