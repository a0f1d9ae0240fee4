using System.Data.Common;
using Dapper;

namespace Hive.Common.Storage;

/// <summary>The tables of one slice.</summary>
public interface ISchema
{
    /// <summary>The slice's name in <c>schema_history</c>.</summary>
    string Slice { get; }

    /// <summary>The version of the shape, raised with every change. A database with a higher version was written by a
    /// newer Hive and is refused.</summary>
    int Version { get; }

    /// <summary>Brings a database of any earlier shape, or an empty one, to the current shape. Runs at every start and
    /// must be idempotent.</summary>
    void Converge(SchemaEditor editor);
}

/// <summary>The steps of a schema; each does nothing when its result already exists.</summary>
public sealed class SchemaEditor
{
    private readonly DbConnection db;

    internal SchemaEditor(DbConnection db) => this.db = db;

    /// <summary>Runs an idempotent statement, such as one with <c>IF NOT EXISTS</c>.</summary>
    public void Run(string sql) => db.Execute(sql);

    /// <summary>Adds a column if it is missing.</summary>
    /// <returns>True when the column was added now, so that the caller can fill it.</returns>
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
                        $"the database was written by a newer Hive ({schema.Slice} is at version {found}, "
                            + $"this Hive supports {schema.Version}); "
                            + "start the newer Hive, or choose another data folder"
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
            // After an I/O error SQLite may have rolled back automatically; a second ROLLBACK would hide the
            // first error.
            if (SQLitePCL.raw.sqlite3_get_autocommit(((CachedConnection)db).Inner.Handle) == 0)
                db.Execute("ROLLBACK");
            throw;
        }
    }
}
