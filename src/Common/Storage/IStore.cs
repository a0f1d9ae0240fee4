using System.Data.Common;
using MediatR;

namespace Hive.Common.Storage;

/// <summary>The only way to the database.</summary>
public interface IStore
{
    /// <summary>Reads one consistent state of the database; never waits for the writer.</summary>
    /// <param name="query">Runs on a pooled read-only connection, inside one read transaction.</param>
    /// <param name="ct">Cancels the wait for a connection, not a query under way.</param>
    Task<T> Read<T>(Func<DbConnection, T> query, CancellationToken ct = default);

    /// <summary>Changes the database; when the task completes, the change is on disk.</summary>
    /// <param name="work">
    /// Runs on the writer's thread between others, inside a savepoint of its own: if it throws, it alone is undone and
    /// its caller gets the exception.
    /// It does no I/O of its own, waits for nothing, and leaves <see cref="IWrite"/> alone once it has returned.
    /// </param>
    /// <param name="ct">Withdraws the work while it has not started.</param>
    /// <exception cref="Errors.Problem">Code <c>unavailable</c>: the disk is full, read-only or failing, or Hive stops.
    /// Nothing was stored.</exception>
    Task<T> Write<T>(Func<IWrite, T> work, CancellationToken ct = default);
}

/// <summary>What a work can do while it runs.</summary>
public interface IWrite
{
    /// <summary>The writer's connection, for Dapper.</summary>
    DbConnection Db { get; }

    /// <summary>Rises with each transaction; works with the same number stand or fall together once they have
    /// succeeded.</summary>
    long Batch { get; }

    /// <summary>The writer's prepared statement of that text, which must be a constant: it is kept as long as the
    /// connection.</summary>
    Statement Prepare(string sql);

    /// <summary>Publishes a notification after the commit; never, if this work or the commit fails.</summary>
    void Raise(INotification notification);

    /// <summary>
    /// Runs after the commit, once everything raised in its transaction has been published; on a pool thread, next to
    /// the answers to callers.
    /// It must be quick and must not fail.
    /// </summary>
    void AfterCommit(Action action);

    /// <summary>
    /// Takes back a change of memory that belongs to the writer's thread, if this work or the commit fails. Newest
    /// first, on the writer's thread.
    /// </summary>
    void OnRollback(Action undo);
}
