using System.Data.Common;
using Dapper;

namespace Hive.Common.Storage;

/// <summary>The tables of one slice.</summary>
public interface ISchema
{
    /// <summary>The slice's name in <c>schema_history</c>.</summary>
    string Slice { get; }

    /// <summary>Rises with every change of shape; a file with a higher one was written by a newer Hive and is
    /// refused.</summary>
    int Version { get; }

    /// <summary>Brings any file, empty or of any earlier shape, to what the slice needs. Runs at every start and must
    /// be idempotent.</summary>
    void Converge(SchemaEditor editor);
}

/// <summary>The few steps a schema is made of, each of which does nothing when it is already so.</summary>
public sealed class SchemaEditor
{
    private readonly DbConnection db;

    internal SchemaEditor(DbConnection db) => this.db = db;

    /// <summary>Runs a statement that says <c>IF NOT EXISTS</c>, or another idempotent one.</summary>
    public void Run(string sql) => db.Execute(sql);

    /// <summary>Adds a column when <c>pragma table_info</c> lacks it.</summary>
    /// <returns>True when it was added just now, so that it can be filled.</returns>
    public bool Column(string table, string name, string declaration)
    {
        if (
            db.ExecuteScalar<long>(
                "SELECT count(*) FROM pragma_table_info(@table) WHERE name = @name",
                new { table, name }
            ) > 0
        )
            return false;
        db.Execute($"ALTER TABLE {table} ADD COLUMN {name} {declaration}");
        return true;
    }
}

/// <summary>Applies every slice's schema in one transaction.</summary>
internal static class SchemaConvergence
{
    public static void Apply(DbConnection db, IEnumerable<ISchema> schemas, DateTimeOffset now)
    {
        db.Execute("BEGIN IMMEDIATE");
        try
        {
            db.Execute(
                """
                CREATE TABLE IF NOT EXISTS schema_history (
                    slice      TEXT NOT NULL,
                    version    INTEGER NOT NULL,
                    applied_at INTEGER NOT NULL,
                    PRIMARY KEY (slice, version)
                )
                """
            );
            var editor = new SchemaEditor(db);
            foreach (var schema in schemas)
            {
                var found = db.ExecuteScalar<int?>(
                    "SELECT max(version) FROM schema_history WHERE slice = @Slice",
                    new { schema.Slice }
                );
                if (found > schema.Version)
                {
                    throw new InvalidDataException(
                        $"the database was written by a newer Hive ({schema.Slice} is at version {found}, this Hive knows {schema.Version}): start the newer one, or another data folder"
                    );
                }

                schema.Converge(editor);
                if (found != schema.Version)
                {
                    db.Execute(
                        "INSERT INTO schema_history (slice, version, applied_at) VALUES (@Slice, @Version, @At)",
                        new
                        {
                            schema.Slice,
                            schema.Version,
                            At = now.ToUnixTimeMilliseconds(),
                        }
                    );
                }
            }

            db.Execute("COMMIT");
        }
        catch
        {
            // After an I/O error SQLite may have rolled back by itself; a second ROLLBACK would hide the first error.
            if (SQLitePCL.raw.sqlite3_get_autocommit(((CachedConnection)db).Inner.Handle) == 0)
                db.Execute("ROLLBACK");
            throw;
        }
    }
}
