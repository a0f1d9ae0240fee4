using System.Data.Common;
using System.Diagnostics.CodeAnalysis;
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
    /// <param name="work"> Runs on the writer's thread, inside a savepoint of its own: if it throws, only its changes
    /// are rolled back and its caller gets the exception. It does no I/O of its own, waits for nothing, and does not
    /// use <see cref="IWrite"/> after it has returned.
    /// </param>
    /// <param name="ct">Withdraws the work if it has not started.</param>
    /// <exception cref="Errors.Problem">Code <c>unavailable</c>: the disk is full, read-only or failing, or Hive is
    /// stopping. Nothing was stored.</exception>
    Task<T> Write<T>(Func<IWrite, T> work, CancellationToken ct = default);
}

/// <summary>The operations of a write while it runs.</summary>
public interface IWrite
{
    /// <summary>The writer's connection, for Dapper.</summary>
    DbConnection Db { get; }

    /// <summary>The number of the transaction. Writes with the same number are committed together or not at
    /// all.</summary>
    long Batch { get; }

    /// <summary>The writer's prepared statement for an SQL text. The text is a constant, since the statement lives as
    /// long as the connection.</summary>
    Statement Prepare([ConstantExpected] string sql);

    /// <summary>Publishes a notification after the commit; not if this write or the commit fails.</summary>
    void Raise(INotification notification);

    /// <summary>
    /// Runs an action after the commit, once the transaction's notifications have been published, on a pool thread
    /// beside the answers to callers. The action must be quick and must not fail.
    /// </summary>
    void AfterCommit(Action action);

    /// <summary>
    /// Undoes a change of the writer's memory if this write or the commit fails. Undo actions run newest first, on the
    /// writer's thread.
    /// </summary>
    void OnRollback(Action undo);
}
