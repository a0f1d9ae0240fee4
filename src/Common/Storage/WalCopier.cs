using Microsoft.Data.Sqlite;

namespace Hive.Common.Storage;

/// <summary>
/// Copies the WAL into the database on a thread and a connection of its own: 16 MiB take 16 to 20 ms, in which the
/// writer would commit nothing. Passive checkpoints never wait for a writer or a reader, nor do those wait for them.
/// </summary>
/// <remarks>
/// SQLite overwrites the WAL only when all of it is copied, and commits go on while this thread copies. So this thread
/// copies until few pages are left, and the writer copies those between two commits.
/// </remarks>
/// <param name="file">The database.</param>
/// <param name="failed">Is told the first of several failures.</param>
internal sealed class WalCopier(DatabaseFile file, Action<SqliteException> failed) : IDisposable
{
    /// <summary>Pages in the WAL from which on it is copied: 16 MiB. A smaller one is copied too often, a larger or
    /// growing one makes commits two to three times slower (docs/benchmarks.md).</summary>
    public const int EnoughPages = 4000;

    /// <summary>The most pages left to the writer: 1 MiB, about 1 ms with the wait for the disk.</summary>
    public const int LastPages = 256;

    /// <summary>64 MiB: the writer copies a larger WAL itself, so that it stops growing when commits are faster than
    /// this thread.</summary>
    public const int MostPages = 16_384;

    private readonly object gate = new();
    private Thread? thread;
    private CommitNote asked;
    private long copied;
    private bool isCopying;
    private bool isFailing;
    private bool isStopping;

    /// <summary>Starts to copy a WAL that is large enough, unless that is the writer's turn. Only the writer calls it,
    /// after each commit.</summary>
    /// <param name="wal">The last commit's place in the WAL.</param>
    /// <returns>True when the writer has to copy what is left.</returns>
    public bool IsWritersTurn(CommitNote wal) =>
        wal.State == CommitState.InWal && wal.Frames >= EnoughPages && !Begin(wal, mayGiveUp: true);

    /// <summary>Starts to copy what is in the WAL, whatever its size. Only the writer calls it, when it is
    /// idle.</summary>
    /// <param name="wal">The last commit's place in the WAL.</param>
    /// <returns>False when so little is left that the writer can copy it.</returns>
    public bool Begin(CommitNote wal) => wal.State == CommitState.InWal && Begin(wal, mayGiveUp: false);

    /// <summary>Waits for a copy that is under way, and closes the connection.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            isStopping = true;
            Monitor.Pulse(gate);
        }

        thread?.Join();
    }

    private bool Begin(CommitNote wal, bool mayGiveUp)
    {
        lock (gate)
        {
            if (isCopying)
                return true;
            // Other salts: SQLite has begun the WAL again since.
            if ((wal.First, wal.Second) != (asked.First, asked.Second))
                copied = 0;
            if (wal.Frames - copied <= LastPages || (mayGiveUp && wal.Frames > MostPages))
                return false;
            asked = wal;
            isCopying = true;
            Monitor.Pulse(gate);
            if (thread is null)
            {
                thread = new Thread(Run) { IsBackground = true, Name = "hive checkpoint" };
                thread.Start();
            }

            return true;
        }
    }

    private void Run()
    {
        CachedConnection? connection = null;
        while (IsAsked())
        {
            var pages = 0L;
            try
            {
                connection ??= file.OpenCopier();
                pages = Checkpoint(connection).Copied;
                isFailing = false;
            }
            catch (SqliteException e)
            {
                // The WAL keeps its commits; the next commit asks again.
                if (!isFailing)
                    failed(e);
                isFailing = true;
                connection?.Dispose();
                connection = null;
            }

            lock (gate)
            {
                copied = pages;
                isCopying = false;
            }
        }

        connection?.Dispose();
    }

    private bool IsAsked()
    {
        lock (gate)
        {
            while (!isCopying && !isStopping)
                Monitor.Wait(gate);
            return !isStopping;
        }
    }

    /// <summary>Copies as much of the WAL as no reader still needs in the database's older state.</summary>
    /// <returns>Whether the database now holds everything in the WAL, and the number of frames that it holds.</returns>
    public static (bool IsAll, long Copied) Checkpoint(CachedConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
        using var row = command.ExecuteReader();
        // Busy, frames in the WAL, frames copied; -1 when another connection copies, or the WAL is missing.
        return row.Read() && row.GetInt64(0) == 0 && row.GetInt64(1) >= 0
            ? (row.GetInt64(1) == row.GetInt64(2), row.GetInt64(2))
            : (false, 0);
    }
}
