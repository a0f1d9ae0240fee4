using Hive.Common.Storage;

namespace Hive.Features.Making;

/// <summary>Stores which agents were made for a first look, so that they alone are removed together.</summary>
internal sealed class MakingSchema : ISchema
{
    public string Slice => "making";

    public int Version => 1;

    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS demo_agents (
                agent TEXT PRIMARY KEY
            ) WITHOUT ROWID
            """
        );
}
