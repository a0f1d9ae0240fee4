using System.Collections.Concurrent;
using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using MediatR;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.Logging;
using SQLitePCL;

namespace Hive.Common.Storage;

/// <summary>
/// The store over one SQLite file: one writer thread that commits everything queued since its last commit at once, and
/// a pool of readers.
/// One connection does all writes and all checkpoints, so commits never wait for another connection's checkpoint.
/// </summary>
public sealed partial class SqliteStore : IStore, IDisposable
{
    private const int Readers = 4;

    // Bounds the time until the first caller of a batch is answered.
    private const int MaxBatch = 512;

    // 16 MiB of WAL, overwritten again and again: a smaller one checkpoints too often, a larger or growing one makes
    // commits two to three times slower (docs/benchmarks.md).
    private const int CheckpointPages = 4000;

    // How long the writer has been idle when it copies what is left in the WAL into the database.
    private static readonly TimeSpan IdleBeforeCheckpoint = TimeSpan.FromSeconds(1);

    private readonly string path;
    private readonly CommitPublisher publisher;
    private readonly ILogger<SqliteStore> log;
    private readonly object gate = new();
    private readonly Thread writer;
    private readonly CommitMark mark;
    private readonly SemaphoreSlim readSlots = new(Readers, Readers);
    private readonly ConcurrentBag<CachedConnection> readers = [];
    private List<Work> queue = [];
    private bool stopping;
    private long writes;
    private long reads;

    // Columns are named due_at, members DueAt.
    static SqliteStore() => DefaultTypeMap.MatchNamesWithUnderscores = true;

    /// <summary>Opens the database, creating it if need be, and brings its schema up to date.</summary>
    /// <exception cref="InvalidDataException">The file is of a newer Hive, is not a database, is damaged, or lacks
    /// commits; it is left as it is.</exception>
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
        // Beside the file itself, as SQLite has it, also where its name is a link.
        path = (File.Exists(path) ? File.ResolveLinkTarget(path, returnFinalTarget: true)?.FullName : null) ?? path;
        this.path = path;
        this.publisher = publisher;
        this.log = log;
        if (DatabaseCheck.Run(path, roster, acceptLoss))
            LogChecked(log, path);
        mark = new CommitMark(path, keepClaim: !acceptLoss);
        CachedConnection? connection = null;
        try
        {
            connection = OpenWriter();
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
            throw;
        }

        writer = new Thread(() => RunWriter(connection)) { IsBackground = true, Name = "hive writer" };
        writer.Start();
    }

    /// <summary>How many works have touched the database since the start; an idle host adds none.</summary>
    public long Writes => Interlocked.Read(ref writes);

    /// <summary>How many reads have run since the start; an idle host adds none.</summary>
    public long Reads => Interlocked.Read(ref reads);

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
    public async Task<T> Read<T>(Func<DbConnection, T> query, CancellationToken ct = default)
    {
        await readSlots.WaitAsync(ct).ConfigureAwait(false);
        try
        {
            // Never on the caller's thread: that may be the one which serves every socket.
            return await Task.Run(() => RunRead(query), CancellationToken.None).ConfigureAwait(false);
        }
        finally
        {
            readSlots.Release();
        }
    }

    /// <summary>
    /// Copies the database as it is at one moment into a new file, and checks the copy. Nobody else waits for it.
    /// </summary>
    /// <param name="file">The copy; needs no second file beside it.</param>
    /// <param name="ct">Withdraws the copy while it has not started.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: it is damaged, or the copy cannot be written.</exception>
    public Task CopyTo(string file, CancellationToken ct) =>
        Task.Run(
            () =>
            {
                try
                {
                    using var source = OpenReader();
                    var target = new SqliteConnectionStringBuilder { DataSource = file, Pooling = false };
                    using var copy = new SqliteConnection(target.ToString());
                    copy.Open();
                    source.Inner.BackupDatabase(copy);
                    using var command = copy.CreateCommand();
                    command.CommandText = "PRAGMA journal_mode = DELETE";
                    command.ExecuteNonQuery();
                    command.CommandText = "PRAGMA integrity_check(1)";
                    if (command.ExecuteScalar() is not "ok" and var damage)
                        throw Problem.Unavailable(
                            $"the database is damaged ({damage}); nothing was copied, restore a backup"
                        );
                }
                catch (SqliteException e)
                {
                    LogCopyFailed(log, e);
                    throw Problem.Unavailable(
                        $"the database cannot be copied: {e.Message}. Make room in the data folder, and try again",
                        e
                    );
                }
            },
            ct
        );

    /// <summary>Finishes what is queued, copies the WAL into the database and closes it.</summary>
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
        while (readers.TryTake(out var reader))
            reader.Dispose();
        Note(mark.Closed);
        mark.Dispose();
        readSlots.Dispose();
    }

    private static Problem Stopping() => Problem.Unavailable("Hive is stopping; try again when it is back");

    private Problem? AsProblem(Exception error) =>
        error switch
        {
            SqliteException { SqliteErrorCode: raw.SQLITE_FULL } => Problem.Unavailable(
                "the disk with the data folder is full; nothing was stored. Make room and try again",
                error
            ),
            SqliteException { SqliteErrorCode: raw.SQLITE_READONLY or raw.SQLITE_CANTOPEN or raw.SQLITE_PERM } =>
                Problem.Unavailable(
                    "the data folder cannot be written; nothing was stored. Make it writable and try again",
                    error
                ),
            SqliteException
            {
                SqliteErrorCode: raw.SQLITE_IOERR or raw.SQLITE_NOMEM or raw.SQLITE_BUSY or raw.SQLITE_LOCKED
            } => Problem.Unavailable("the database cannot be written now; nothing was stored. Try again", error),
            _ when DatabaseCheck.IsDamage(error) => Problem.Unavailable(
                $"the database {path} is damaged; stop Hive and restore a backup",
                error
            ),
            _ => null,
        };

    private T RunRead<T>(Func<DbConnection, T> query)
    {
        Interlocked.Increment(ref reads);
        if (!readers.TryTake(out var reader))
            reader = OpenReader();
        try
        {
            Execute(reader, "BEGIN");
            var result = query(reader);
            Execute(reader, "COMMIT");
            readers.Add(reader);
            return result;
        }
        catch (Exception e)
        {
            // A connection that failed may be in any state; a new one costs little.
            reader.Dispose();
            if (AsProblem(e) is { } problem)
            {
                LogReadFailed(log, e);
                throw DatabaseCheck.IsDamage(e)
                    ? problem
                    : Problem.Unavailable("the database cannot be read now; try again", problem);
            }

            if (DatabaseCheck.IsUnreadable(e))
                throw new UnreadableDataException($"a row cannot be read: {e.Message}", e);
            throw;
        }
    }

    private CachedConnection OpenWriter()
    {
        var connection = Open(SqliteOpenMode.ReadWriteCreate);
        try
        {
            Execute(connection, "PRAGMA journal_mode = WAL");
            Execute(connection, "PRAGMA synchronous = FULL");
            Execute(connection, $"PRAGMA wal_autocheckpoint = {CheckpointPages}");
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    private CachedConnection OpenReader()
    {
        var connection = Open(SqliteOpenMode.ReadWrite);
        Execute(connection, "PRAGMA query_only = ON");
        Execute(connection, "PRAGMA wal_autocheckpoint = 0");
        return connection;
    }

    private CachedConnection Open(SqliteOpenMode mode)
    {
        var connection = new SqliteConnection(
            new SqliteConnectionStringBuilder
            {
                DataSource = path,
                Mode = mode,
                Pooling = false,
                ForeignKeys = true,
            }.ToString()
        );
        connection.Open();
        return new CachedConnection(connection);
    }

    private static void Execute(CachedConnection connection, string sql)
    {
        using var command = connection.CreateCommand();
        command.CommandText = sql;
        command.ExecuteNonQuery();
    }

    private void RunWriter(CachedConnection connection)
    {
        var session = new WriterSession(connection);
        List<Work> batch = [];
        var uncopied = false;
        while (Take(ref batch, uncopied) is { } taken)
        {
            if (taken == Next.Checkpoint)
            {
                uncopied = false;
                Checkpoint(session);
                continue;
            }

            for (var start = 0; start < batch.Count; start += MaxBatch)
            {
                session = Healthy(session);
                uncopied |= RunBatch(session, batch.GetRange(start, Math.Min(MaxBatch, batch.Count - start)));
            }

            batch.Clear();
        }

        if (session is { Broken: false })
            WithdrawClaim(session.Connection);
        session?.Dispose();
    }

    private enum Next
    {
        Batch,
        Checkpoint,
    }

    // Null when the store is stopping and nothing is left to do.
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
            if (session is { Broken: false } && CopiesAll(session.Connection))
                Note(mark.Copied);
        }
        catch (SqliteException e)
        {
            LogCheckpointFailed(log, e);
            session!.Broken = true;
        }
    }

    // The last close makes SQLite remove the WAL. By then the note must not claim that commits are in it: a host that
    // is
    // killed in between would seem to have lost them.
    private void WithdrawClaim(CachedConnection connection)
    {
        try
        {
            if (CopiesAll(connection))
                Note(mark.Reopening);
        }
        catch (SqliteException e)
        {
            LogCheckpointFailed(log, e);
        }
    }

    // True when nothing is left in the WAL that is not in the database: busy, frames in the WAL, frames copied.
    private static bool CopiesAll(CachedConnection connection)
    {
        using var command = connection.CreateCommand();
        command.CommandText = "PRAGMA wal_checkpoint(PASSIVE)";
        using var row = command.ExecuteReader();
        return row.Read() && row.GetInt64(0) == 0 && row.GetInt64(1) >= 0 && row.GetInt64(1) == row.GetInt64(2);
    }

    // A commit stays a commit, whether it could be noted or not.
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
            return new WriterSession(OpenWriter());
        }
        catch (SqliteException e)
        {
            LogReopenFailed(log, e);
            return null;
        }
    }

    // True when something was committed.
    private bool RunBatch(WriterSession? session, List<Work> batch)
    {
        if (session is null)
        {
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
            LogBatchFailed(log, batch.Count, e);
            session.Abandon();
            FailAll(
                batch,
                AsProblem(e) ?? Problem.Unavailable("the database failed; nothing was stored. Try again", e),
                session.TakeUndone()
            );
            return false;
        }

        if (session.Touched > 0)
            Note(mark.Committed);
        Interlocked.Add(ref writes, session.Touched);
        publisher.Ended(session.TakeRaised(), session.TakeUndone(), batch);
        return session.Touched > 0;
    }

    // Throws only what ends the whole batch.
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
            // Disk full, I/O errors and lack of memory may have rolled back everything, the works before this one
            // included.
            if (session.TransactionWasLost)
                throw;
            session.UndoWork();
            var problem = AsProblem(e);
            // Opened while its files could not be written, a connection stays read-only for ever: the next batch gets a
            // new one.
            session.Broken |= problem is not null;
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

    [LoggerMessage(Level = LogLevel.Error, Message = "the database could not be copied for a backup")]
    private static partial void LogCopyFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "a batch of {Count} works failed; nothing of it was stored")]
    private static partial void LogBatchFailed(ILogger logger, int count, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the database cannot be opened for writing; the next write tries again"
    )]
    private static partial void LogReopenFailed(ILogger logger, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the WAL could not be copied into the database; the next write opens it anew"
    )]
    private static partial void LogCheckpointFailed(ILogger logger, Exception error);

    [LoggerMessage(
        Level = LogLevel.Information,
        Message = "{Path} was not closed the last time, or was changed since; it was checked and is whole"
    )]
    private static partial void LogChecked(ILogger logger, string path);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the last commit could not be noted beside the database, so a loss of its write-ahead log may go unseen: {Reason}"
    )]
    private static partial void LogNotNoted(ILogger logger, string reason);

    [LoggerMessage(Level = LogLevel.Error, Message = "a read failed")]
    private static partial void LogReadFailed(ILogger logger, Exception error);

    /// <summary>The writer's connection with the transaction of the present batch. The transaction and the savepoints
    /// begin with the first statement, so a work that only looks at memory costs no SQL.</summary>
    private sealed class WriterSession(CachedConnection connection) : IWrite, IDisposable
    {
        private static long lastBatch;

        // By the text's identity: texts are constants, and hashing a long one costs as much as running it.
        private readonly Dictionary<string, Statement> statements = new(ReferenceEqualityComparer.Instance);
        private readonly List<Action> undo = [];
        private List<object> raised = [];
        private List<INotification> undone = [];
        private bool inSavepoint;
        private int undoMark;
        private int raisedMark;

        public CachedConnection Connection => connection;

        public bool Broken { get; set; }

        public bool InTransaction { get; private set; }

        public int Touched { get; private set; }

        public long Batch { get; private set; }

        public DbConnection Db
        {
            get
            {
                EnterSavepoint();
                return connection;
            }
        }

        public bool TransactionWasLost => InTransaction && raw.sqlite3_get_autocommit(connection.Inner.Handle) != 0;

        public Statement Prepare(string sql)
        {
            EnterSavepoint();
            return Cached(sql);
        }

        public void Raise(INotification notification) => raised.Add(notification);

        public void AfterCommit(Action action) => raised.Add(action);

        public void OnRollback(Action undo) => this.undo.Add(undo);

        public void Clear()
        {
            undo.Clear();
            raised.Clear();
            Touched = 0;
            // Of the process, not of the session: a number must not come again after the database was opened anew.
            Batch = Interlocked.Increment(ref lastBatch);
        }

        public void Start()
        {
            undoMark = undo.Count;
            raisedMark = raised.Count;
        }

        public void Keep()
        {
            if (!inSavepoint)
                return;
            Touched++;
            inSavepoint = false;
            Cached("RELEASE work").Step();
        }

        public void UndoWork()
        {
            if (inSavepoint)
            {
                inSavepoint = false;
                Cached("ROLLBACK TO work").Step();
                Cached("RELEASE work").Step();
            }

            Undo(undoMark, raisedMark);
        }

        public void Commit()
        {
            Cached("COMMIT").Step();
            InTransaction = false;
        }

        public void Abandon()
        {
            Undo(0, 0);
            Broken = true;
            InTransaction = inSavepoint = false;
        }

        public List<object> TakeRaised()
        {
            var taken = raised;
            raised = [];
            return taken;
        }

        public List<INotification> TakeUndone()
        {
            var taken = undone;
            undone = [];
            return taken;
        }

        public void Dispose()
        {
            foreach (var statement in statements.Values)
                statement.Dispose();
            connection.Dispose();
        }

        private void Undo(int mark, int raisedMark)
        {
            for (var i = undo.Count - 1; i >= mark; i--)
                undo[i]();
            undo.RemoveRange(mark, undo.Count - mark);
            undone.AddRange(raised.Skip(raisedMark).OfType<INotification>());
            raised.RemoveRange(raisedMark, raised.Count - raisedMark);
        }

        private void EnterSavepoint()
        {
            if (inSavepoint)
                return;
            if (!InTransaction)
            {
                Cached("BEGIN IMMEDIATE").Step();
                InTransaction = true;
            }

            Cached("SAVEPOINT work").Step();
            inSavepoint = true;
        }

        private Statement Cached(string sql)
        {
            if (!statements.TryGetValue(sql, out var statement))
                statements.Add(sql, statement = new Statement(connection.Inner.Handle!, sql));
            return statement;
        }
    }
}
