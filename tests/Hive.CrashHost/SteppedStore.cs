using Hive.Common.Storage;
using Microsoft.Extensions.Logging;

namespace Hive.CrashHost;

/// <summary>Logs the two sides of each commit, so that the host can be killed there: the category is
/// <c>Commit:</c> and the class that writes.</summary>
internal sealed partial class SteppedStore(SqliteStore store, ILoggerFactory logs) : IStore
{
    public const string Prefix = "Commit:";

    public Task<T> Read<T>(Func<System.Data.Common.DbConnection, T> query, CancellationToken ct = default) =>
        store.Read(query, ct);

    public async Task<T> Write<T>(Func<IWrite, T> work, CancellationToken ct = default)
    {
        var log = logs.CreateLogger($"{Prefix}{work.Method.DeclaringType}");
        var result = await store.Write(
            write =>
            {
                var done = work(write);
                LogStep(log, "all is changed, and nothing is committed");
                return done;
            },
            ct
        );
        LogStep(log, "it is committed, and nobody has an answer");
        return result;
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "{Step}")]
    private static partial void LogStep(ILogger logger, string step);
}
