using Dapper;
using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Common.Storage;

/// <summary>
/// Checks the whole database in the background, a minute after the start and then once a day, and tells whether it
/// takes writes now. A write is tried only when the last one failed or nothing is free on the disk.
/// </summary>
public sealed partial class DatabaseHealth(
    SqliteStore store,
    HivePaths paths,
    TimeProvider clock,
    ILogger<DatabaseHealth> log
) : BackgroundService, ITrouble
{
    // A start has other work to do.
    private static readonly TimeSpan FirstCheck = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan NextCheck = TimeSpan.FromDays(1);

    // Everybody who reaches the port may ask.
    private static readonly TimeSpan TrialHolds = TimeSpan.FromSeconds(1);

    // A commit writes some pages of 4 KiB into the write-ahead log, which may have to grow.
    private const long LeastFree = 1 << 20;

    private readonly Lock gate = new();
    private volatile string? damage;
    private Task<string?>? trial;
    private long triedAt;

    /// <inheritdoc />
    public async Task<IReadOnlyList<Trouble>> Find()
    {
        List<Trouble> found = [];
        if (damage is { } text)
            found.Add(
                new Trouble("database", text, "the database is damaged; `hive doctor` says where", TakesCommands: true)
            );
        if (IsSuspicious() && await Trial() is { } refusal)
            found.Add(
                new Trouble(
                    "writes",
                    refusal,
                    "nothing can be stored now; `hive doctor` says why",
                    TakesCommands: false
                )
            );
        return found;
    }

    /// <inheritdoc />
    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        for (var pause = FirstCheck; ; pause = NextCheck)
        {
            await Task.Delay(pause, clock, stoppingToken);
            try
            {
                var damaged = await store.CheckTables(stoppingToken);
                damage =
                    damaged.Count == 0
                        ? null
                        : $"the database {store.Path} is damaged: rows of {DatabaseDamage.Words([.. damaged])} may be "
                            + "lost. Stop Hive and restore a backup (`hive up --restore FILE`)";
                if (damage is { } text)
                    LogDamaged(log, text);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // An error of any kind must not end the checks.
                LogNotChecked(log, e);
            }
        }
    }

    private bool IsSuspicious()
    {
        try
        {
            return store.IsFailing || new DriveInfo(paths.DataDir).AvailableFreeSpace < LeastFree;
        }
        catch (IOException)
        {
            return true;
        }
    }

    private Task<string?> Trial()
    {
        lock (gate)
        {
            if (trial is null || clock.GetElapsedTime(triedAt) >= TrialHolds)
                (trial, triedAt) = (TryWrite(), clock.GetTimestamp());
            return trial;
        }
    }

    // Hive keeps nothing there, and SQLite writes a page for it.
    private async Task<string?> TryWrite()
    {
        try
        {
            await store.Write(write => write.Db.Execute("PRAGMA user_version = 0"));
            return null;
        }
        catch (Problem e)
        {
            return e.Message;
        }
    }

    [LoggerMessage(Level = LogLevel.Error, Message = "{Damage}")]
    private static partial void LogDamaged(ILogger logger, string damage);

    [LoggerMessage(Level = LogLevel.Warning, Message = "the database could not be checked; will retry tomorrow")]
    private static partial void LogNotChecked(ILogger logger, Exception error);
}
