using Dapper;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using MediatR;
using Microsoft.Extensions.Hosting;

namespace Hive.Common.Storage;

/// <summary>Rows that belong to something deleted and may be too many for the write that deletes it. Its id is never
/// used again.</summary>
/// <param name="Kind">The name of the kind, stored with the id.</param>
/// <param name="Find">SQL that selects the keys of some rows of the thing <c>@id</c>, as many as one write
/// deletes.</param>
/// <param name="Delete">SQL that deletes the row <c>@key</c>, with what belongs to it.</param>
public sealed record LeftRows(string Kind, string Find, params string[] Delete)
{
    /// <summary>SQL that is false for the rows of a deleted thing.</summary>
    /// <param name="id">The column with the thing's id.</param>
    public string IsKept(string id) => $"NOT EXISTS (SELECT 1 FROM leftovers WHERE kind = '{Kind}' AND id = {id})";
}

/// <summary>The table of <see cref="Leftovers"/>.</summary>
public sealed class LeftoversSchema : ISchema
{
    /// <inheritdoc />
    public string Slice => "leftovers";

    /// <inheritdoc />
    public int Version => 1;

    /// <inheritdoc />
    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS leftovers (
                kind TEXT NOT NULL,
                id   INTEGER NOT NULL,
                PRIMARY KEY (kind, id)
            ) WITHOUT ROWID
            """
        );
}

/// <summary>Deletes the rows that deleted things have left, in small writes. The write that deletes the thing notes
/// them; what a kill of the host interrupted, the next start continues.</summary>
public sealed class Leftovers(IStore store, IEnumerable<LeftRows> kinds, TimeProvider clock)
    : BackgroundService,
        ICommitObserver
{
    private static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(1);
    private readonly Dictionary<string, LeftRows> kinds = kinds.ToDictionary(kind => kind.Kind);
    private readonly SemaphoreSlim deleting = new(1, 1);
    private readonly Bell noted = new();

    /// <summary>Notes in the write that deletes things that their rows are to be deleted.</summary>
    public static void Note(IWrite write, LeftRows rows, params IReadOnlyCollection<long> ids)
    {
        if (ids.Count == 0)
            return;
        write.Db.Execute(
            "INSERT OR IGNORE INTO leftovers (kind, id) SELECT @Kind, value FROM json_each(@ids)",
            new { rows.Kind, ids = $"[{string.Join(',', ids)}]" }
        );
        write.Raise(new RowsLeft());
    }

    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is RowsLeft)
            noted.Ring();
    }

    void ICommitObserver.OnUndone(INotification notification) { }

    /// <summary>Deletes what has been noted. To be awaited before the deletion is answered; when the database fails, it
    /// is tried again in a minute.</summary>
    public async Task Delete()
    {
        try
        {
            await Delete(CancellationToken.None);
        }
        catch (Exception e) when (IsOfDatabase(e))
        {
            noted.Ring();
        }
    }

    /// <inheritdoc />
    protected override Task ExecuteAsync(CancellationToken stoppingToken)
    {
        noted.Ring();
        return noted.RunOnEachRing(Delete, IsOfDatabase, RetryPause, clock, stoppingToken);
    }

    /// <inheritdoc />
    public override void Dispose()
    {
        deleting.Dispose();
        base.Dispose();
    }

    // The health of the database shows it.
    private static bool IsOfDatabase(Exception e) => e is Problem or UnreadableDataException;

    private async Task Delete(CancellationToken ct)
    {
        // Another caller's deletion may be this one's.
        await deleting.WaitAsync(ct);
        try
        {
            await DeleteNoted(ct);
        }
        finally
        {
            deleting.Release();
        }
    }

    private async Task DeleteNoted(CancellationToken ct)
    {
        var left = await store.Read(
            db => db.Query<(string Kind, long Id)>("SELECT kind, id FROM leftovers").ToArray(),
            ct
        );
        foreach (var (kind, id) in left)
        {
            if (!kinds.TryGetValue(kind, out var rows))
                continue;
            await ManyRows.Delete<long>(
                store,
                (db, _) => db.Query<long>(rows.Find, new { id }),
                (write, key) =>
                {
                    foreach (var sql in rows.Delete)
                        write.Db.Execute(sql, new { key });
                },
                ct
            );
            await store.Write(
                write => write.Db.Execute("DELETE FROM leftovers WHERE kind = @kind AND id = @id", new { kind, id }),
                ct
            );
        }
    }
}

/// <summary>Rows are to be deleted by <see cref="Leftovers"/>.</summary>
internal sealed record RowsLeft : INotification;
