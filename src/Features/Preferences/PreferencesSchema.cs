using Hive.Common.Storage;

namespace Hive.Features.Preferences;

/// <summary>The table of changed preferences: a member's name, and its value as JSON.</summary>
internal sealed class PreferencesSchema : ISchema
{
    public string Slice => "preferences";

    public int Version => 1;

    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS preferences (
                name  TEXT PRIMARY KEY,
                value TEXT NOT NULL
            ) WITHOUT ROWID
            """
        );
}
