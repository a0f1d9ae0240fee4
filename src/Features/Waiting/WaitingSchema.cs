using Hive.Common.Storage;

namespace Hive.Features.Waiting;

/// <summary>The tables of rows that are snoozed or seen, and of rows that <c>Notify:Url</c> was told. A mark counts for
/// its version of the thing and for earlier ones.</summary>
internal sealed class WaitingSchema : ISchema
{
    public string Slice => "waiting";

    public int Version => 2;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS waiting_marks (
                key           TEXT PRIMARY KEY,
                version       INTEGER NOT NULL,
                snoozed_until INTEGER,
                seen          INTEGER NOT NULL,
                marked_at     INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS waiting_told (
                key     TEXT PRIMARY KEY,
                told_at INTEGER NOT NULL
            ) WITHOUT ROWID
            """
        );
    }
}
