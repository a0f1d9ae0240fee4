using Hive.Common.Storage;

namespace Hive.Features.Containers;

/// <summary>What each agent's container is meant to be. What it is stands in the runtime, not here.</summary>
internal sealed class ContainersSchema : ISchema
{
    public string Slice => "containers";

    public int Version => 6;

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
        // Agents that are being made: what there was of them before.
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS creations (
                agent       TEXT PRIMARY KEY,
                revived     INTEGER NOT NULL,
                configured  INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        // Agents that are destroyed, and what is still to be removed of them: a container in that runtime, and with a
        // purge all their files.
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
        // When it was last started again after failures, as a list of unix milliseconds.
        editor.Column("containers", "restarts", "TEXT");
        // The configuration its process was started on, and whether the manager was told that there is another by now.
        editor.Column("containers", "runs_on", "TEXT");
        editor.Column("containers", "needs_update", "INTEGER NOT NULL DEFAULT 0");
        // It was started and is to be told so, in these words, with its next message.
        editor.Column("containers", "wake", "INTEGER NOT NULL DEFAULT 0");
        editor.Column("containers", "wake_text", "TEXT");
        // Its present run is asked to end so that another one follows.
        editor.Column("containers", "restarting", "INTEGER NOT NULL DEFAULT 0");
    }
}
