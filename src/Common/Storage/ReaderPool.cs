using System.Collections.Concurrent;
using System.Data.Common;
using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Storage;

/// <summary>Runs reads, a few at a time, each in a transaction of its own on a connection that cannot write.</summary>
internal sealed partial class ReaderPool(DatabaseFile file, ILogger log) : IDisposable
{
    private const int Connections = 4;

    private readonly SemaphoreSlim slots = new(Connections, Connections);
    private readonly ConcurrentBag<CachedConnection> idle = [];
    private long reads;

    /// <summary>How many reads have run.</summary>
    public long Reads => Interlocked.Read(ref reads);

    public async Task<T> Read<T>(Func<DbConnection, T> query, CancellationToken ct)
    {
        await slots.WaitAsync(ct);
        try
        {
            // Never on the caller's thread: that may be the one which serves every socket.
            return await Task.Run(() => Run(query), CancellationToken.None);
        }
        finally
        {
            slots.Release();
        }
    }

    public void Dispose()
    {
        while (idle.TryTake(out var reader))
            reader.Dispose();
        slots.Dispose();
    }

    private T Run<T>(Func<DbConnection, T> query)
    {
        Interlocked.Increment(ref reads);
        if (!idle.TryTake(out var reader))
            reader = file.OpenReader();
        try
        {
            DatabaseFile.Execute(reader, "BEGIN");
            var result = query(reader);
            DatabaseFile.Execute(reader, "COMMIT");
            idle.Add(reader);
            return result;
        }
        catch (Exception e)
        {
            // A connection that failed may be in any state; a new one costs little. A refusal is not a failure.
            if (e is not DbException && IsRolledBack(reader))
                idle.Add(reader);
            else
                reader.Dispose();
            if (file.ProblemOf(e) is { } problem)
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

    private static bool IsRolledBack(CachedConnection reader)
    {
        try
        {
            DatabaseFile.Execute(reader, "ROLLBACK");
            return true;
        }
        catch (DbException)
        {
            return false;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "a read of the database failed")]
    private static partial void LogReadFailed(ILogger logger, Exception error);
}
