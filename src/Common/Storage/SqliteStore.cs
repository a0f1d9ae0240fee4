using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using MediatR;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Storage;

/// <summary>
/// Stores everything in one SQLite file: a single writer thread commits all works queued since its last commit at once,
/// and a pool of readers runs the queries. Another thread copies the WAL into the database, so that commits do not wait
/// for it.
/// </summary>
public sealed partial class SqliteStore : IStore, IDisposable
{
    // Limits the time until the first caller of a batch gets its answer.
    private const int MaxBatch = 512;

    // How long the writer is idle before it copies the rest of the WAL into the database.
    private static readonly TimeSpan IdleBeforeCheckpoint = TimeSpan.FromSeconds(1);

    private readonly DatabaseFile file;
    private readonly CommitPublisher publisher;
    private readonly ILogger<SqliteStore> log;
    private readonly object gate = new();
    private readonly Thread writer;
    private readonly CommitMark mark;
    private readonly WalCopier copier;
    private readonly ReaderPool readers;
    private List<Work> queue = [];
    private volatile bool failing;
    private bool stopping;
    private long writes;

    // Columns have names such as due_at, properties such as DueAt.
    static SqliteStore() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>Opens the database, creates it when missing, and brings its schema up to date.</summary>
    /// <exception cref="InvalidDataException">The file was written by a newer Hive, is not a database, is damaged, or
    /// lacks commits; it is left unchanged.</exception>
    public SqliteStore(
        string path,
        IEnumerable<ISchema> schemas,
        CommitPublisher publisher,
        TimeProvider clock,
        ILogger<SqliteStore> log,
        string? roster = null,
        bool acceptLoss = false
    )
    {
        _ = SqliteLibrary.Version;
        // SQLite puts its other files beside the real file, also when the path is a link.
        path = (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? path;
        Path = path;
        file = new DatabaseFile(path);
        readers = new ReaderPool(file, log);
        copier = new WalCopier(file, e => LogCopierFailed(log, e));
        this.publisher = publisher;
        this.log = log;
        if (DatabaseCheck.Run(path, roster, acceptLoss))
            LogChecked(log, path);
        mark = new CommitMark(path, keepClaim: !acceptLoss);
        CachedConnection? connection = null;
        try
        {
            connection = file.OpenWriter();
            SchemaConvergence.Apply(connection, schemas, clock.GetUtcNow());
            mark.Committed();
        }
        catch (Exception e)
        {
            if (connection is not null)
                WithdrawClaim(connection);
            connection?.Dispose();
            Note(mark.Closed);
            mark.Dispose();
            if (DatabaseCheck.IsDamage(e))
                throw DatabaseCheck.Damaged(path, e.Message, e);
            if (file.ProblemOf(e) is { } problem)
                throw problem;
            throw;
        }

        writer = new Thread(() => RunWriter(connection)) { IsBackground = true, Name = "hive writer" };
        writer.Start();
    }

    /// <summary>The database's file.</summary>
    public string Path { get; }

    /// <summary>True while the last write failed because of the disk or the file.</summary>
    internal bool IsFailing => failing;

    /// <summary>The number of writes that have used the database since the start; an idle host adds none.</summary>
    public long Writes => Interlocked.Read(ref writes);

    /// <summary>The number of reads since the start; an idle host adds none.</summary>
    public long Reads => readers.Reads;

    /// <inheritdoc />
    public Task<T> Write<T>(Func<IWrite, T> work, CancellationToken ct = default)
    {
        if (ct.IsCancellationRequested)
            return Task.FromCanceled<T>(ct);
        var item = new Work<T>(work, ct);
        lock (gate)
        {
            if (stopping)
                return Task.FromException<T>(Stopping());
            queue.Add(item);
            if (queue.Count == 1)
                Monitor.Pulse(gate);
        }

        return item.Task;
    }

    /// <inheritdoc />
    public Task<T> Read<T>(Func<DbConnection, T> query, CancellationToken ct = default) => readers.Read(query, ct);

    /// <summary>
    /// Copies a consistent state of the database into a new file, and checks the copy. Reads and writes continue.
    /// </summary>
    /// <param name="target">The copy's path; the copy needs no second file beside it.</param>
    /// <param name="ct">Withdraws the copy if it has not started.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: the database is damaged, or the copy cannot be
    /// written.</exception>
    public Task CopyTo(string target, CancellationToken ct) =>
        Task.Run(
            () =>
            {
                try
                {
                    using var source = file.OpenReader();
                    var how = new SqliteConnectionStringBuilder { DataSource = target, Pooling = false };
                    using var copy = new SqliteConnection(how.ToString());
                    copy.Open();
                    source.Inner.BackupDatabase(copy);
                    using var command = copy.CreateCommand();
                    command.CommandText = "PRAGMA journal_mode = DELETE";
                    command.ExecuteNonQuery();
                    command.CommandText = "PRAGMA integrity_check(1)";
                    if (command.ExecuteScalar() is not "ok" and var damage)
                        throw Problem.Unavailable(
                            $"the database is damaged ({damage}); nothing was copied; restore a backup"
                        );
                }
                catch (SqliteException e)
                {
                    LogCopyFailed(log, e);
                    throw Problem.Unavailable(
                        $"the database cannot be copied: {e.Message}. Make room in the data folder and try again",
                        e
                    );
                }
            },
            ct
        );

    /// <summary>Checks each table, one after another, so that the WAL can be restarted in between.</summary>
    /// <returns>The damaged tables.</returns>
    /// <exception cref="Problem">Code <c>unavailable</c>: the database cannot be read.</exception>
    internal Task<IReadOnlyList<string>> CheckTables(CancellationToken ct) =>
        Task.Run<IReadOnlyList<string>>(
            () =>
            {
                try
                {
                    using var reader = file.OpenReader();
                    List<string> damaged = [];
                    foreach (var table in DatabaseDamage.Tables(reader.Inner))
                    {
                        ct.ThrowIfCancellationRequested();
                        if (!DatabaseDamage.IsWhole(reader.Inner, table))
                            damaged.Add(table);
                    }

                    return damaged;
                }
                catch (SqliteException e)
                {
                    throw Problem.Unavailable($"the database cannot be checked: {e.Message}", e);
                }
            },
            ct
        );

    /// <summary>Finishes the queued writes, copies the WAL into the database and closes it.</summary>
    public void Dispose()
    {
        lock (gate)
        {
            if (stopping)
                return;
            stopping = true;
            Monitor.Pulse(gate);
        }

        writer.Join();
        readers.Dispose();
        Note(mark.Closed);
        mark.Dispose();
    }

    private static Problem Stopping() => Problem.Unavailable("Hive is stopping; try again when it is back");

    private void RunWriter(CachedConnection connection)
    {
        var session = new WriterSession(connection);
        List<Work> batch = [];
        var (uncopied, leftToCopier) = (false, false);
        while (Take(ref batch, uncopied) is { } taken)
        {
            if (taken == Next.Checkpoint)
            {
                // Once only: a reader of an older state may keep the other thread from copying all of it.
                leftToCopier = !leftToCopier && copier.Begin(mark.Last);
                uncopied = leftToCopier;
                if (!leftToCopier)
                    Checkpoint(session);
                continue;
            }

            leftToCopier = false;

            for (var start = 0; start < batch.Count; start += MaxBatch)
            {
                session = Healthy(session);
                uncopied |= RunBatch(session, batch.GetRange(start, Math.Min(MaxBatch, batch.Count - start)));
            }

            batch.Clear();
        }

        // Before the last copy, which would find the other one under way.
        copier.Dispose();
        if (session is { Broken: false })
            WithdrawClaim(session.Connection);
        session?.Dispose();
    }

    private enum Next
    {
        Batch,
        Checkpoint,
    }

    // Null when the store is stopping and the queue is empty.
    private Next? Take(ref List<Work> batch, bool uncopied)
    {
        lock (gate)
        {
            while (queue.Count == 0)
            {
                if (stopping)
                    return null;
                if (!uncopied)
                    Monitor.Wait(gate);
                else if (!Monitor.Wait(gate, IdleBeforeCheckpoint) && queue.Count == 0 && !stopping)
                    return Next.Checkpoint;
            }

            (batch, queue) = (queue, batch);
            return Next.Batch;
        }
    }

    private void Checkpoint(WriterSession? session)
    {
        try
        {
            if (session is { Broken: false } && WalCopier.Checkpoint(session.Connection).IsAll)
                Note(mark.Copied);
        }
        catch (SqliteException e)
        {
            LogCheckpointFailed(log, e);
            session!.Broken = true;
        }
    }

    // When the last connection closes, SQLite removes the WAL. The note must not claim by then that commits are in it:
    // after a kill in between they would seem lost.
    private void WithdrawClaim(CachedConnection connection)
    {
        try
        {
            if (WalCopier.Checkpoint(connection).IsAll)
                Note(mark.Reopening);
        }
        catch (SqliteException e)
        {
            LogCheckpointFailed(log, e);
        }
    }

    // A commit counts whether or not it could be noted.
    private void Note(Action note)
    {
        try
        {
            note();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            LogNotNoted(log, e.Message);
        }
    }

    private WriterSession? Healthy(WriterSession? session)
    {
        if (session is { Broken: false })
            return session;
        try
        {
            Note(mark.Reopening);
            session?.Dispose();
            return new WriterSession(file.OpenWriter());
        }
        catch (SqliteException e)
        {
            LogReopenFailed(log, e);
            return null;
        }
    }

    // True when the batch committed a change.
    private bool RunBatch(WriterSession? session, List<Work> batch)
    {
        if (session is null)
        {
            failing = true;
            FailAll(
                batch,
                Problem.Unavailable(
                    "the database cannot be opened; nothing was stored. Try again when the data folder is writable"
                ),
                []
            );
            return false;
        }

        session.Clear();
        try
        {
            foreach (var work in batch)
                RunOne(session, work);
            if (session.InTransaction)
                session.Commit();
        }
        catch (Exception e)
        {
            failing = true;
            LogBatchFailed(log, batch.Count, e);
            session.Abandon();
            FailAll(
                batch,
                file.ProblemOf(e) ?? Problem.Unavailable("the database failed; nothing was stored. Try again", e),
                session.TakeUndone()
            );
            return false;
        }

        if (session.Touched > 0)
        {
            Note(mark.Committed);
            // A write that failed alone has broken the session.
            failing = session.Broken;
        }

        Interlocked.Add(ref writes, session.Touched);
        publisher.Ended(session.TakeRaised(), session.TakeUndone(), batch);
        if (session.Touched > 0 && copier.IsWritersTurn(mark.Last))
            Checkpoint(session);
        return session.Touched > 0;
    }

    // Throws only errors that end the whole batch.
    private void RunOne(WriterSession session, Work work)
    {
        if (work.WithdrawnBeforeStart())
            return;
        session.Start();
        try
        {
            work.Run(session);
        }
        catch (Exception e)
        {
            // A full disk, I/O errors and lack of memory may have rolled back the whole transaction, with the writes
            // before this one.
            if (session.TransactionWasLost)
                throw;
            session.UndoWork();
            var problem = file.ProblemOf(e);
            // A connection that was opened while its files were read-only stays so; the next batch gets a new one.
            if (problem is not null)
                session.Broken = failing = true;
            work.Fail(problem ?? e);
            return;
        }

        session.Keep();
    }

    private void FailAll(List<Work> batch, Exception error, List<INotification> undone)
    {
        foreach (var work in batch)
            work.Fail(error);
        publisher.Ended([], undone, batch);
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "copying the database for a backup failed")]
    private static partial void LogCopyFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "a batch of {Count} writes failed; nothing was stored")]
    private static partial void LogBatchFailed(ILogger logger, int count, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the database cannot be opened for writing; the next write tries again"
    )]
    private static partial void LogReopenFailed(ILogger logger, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "WAL checkpoint failed; the next write opens the database again"
    )]
    private static partial void LogCheckpointFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "WAL checkpoint failed; will retry after the next commits")]
    private static partial void LogCopierFailed(ILogger logger, Exception error);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Path} was not closed cleanly, or has changed since; a full check found no damage"
    )]
    private static partial void LogChecked(ILogger logger, string path);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the last commit could not be noted beside the database; "
            + "a lost write-ahead log may go unnoticed: {Reason}"
    )]
    private static partial void LogNotNoted(ILogger logger, string reason);
}
