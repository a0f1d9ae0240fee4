using System.Globalization;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Backups;

/// <summary>Makes backups by <c>Backups:EveryHours</c>, tries the restore of each, and removes the oldest. The next one
/// is due by the name of the newest, so a restart changes nothing.</summary>
internal sealed partial class BackupSchedule(
    BackupMaker maker,
    Restorer restorer,
    BackupFolder folder,
    BackupFailure failure,
    HiveOptions options,
    TimeProvider clock,
    ILogger<BackupSchedule> log
) : BackgroundService
{
    private static readonly TimeSpan Tick = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Retry = TimeSpan.FromHours(1);

    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private TimeSpan Every => TimeSpan.FromHours((double)options.Backups.EveryHours);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Every <= TimeSpan.Zero)
            return;
        using var timer = new PeriodicTimer(Tick, clock);
        do
        {
            if (IsDue(clock.GetUtcNow()))
                await MakeOne(stoppingToken);
        } while (await timer.WaitForNextTickAsync(stoppingToken));
    }

    // A file from the future, made before the clock was set back, does not hold the next one up for ever.
    private bool IsDue(DateTimeOffset now)
    {
        if (failure.IsThere && now - failure.At < (Retry < Every ? Retry : Every) && now >= failure.At)
            return false;
        return folder.List().FirstOrDefault(file => file.MadeAt <= now) is not { } newest
            || now - newest.MadeAt >= Every;
    }

    private async Task MakeOne(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var file = folder.FileOf(now);
        var part = file + ".part";
        try
        {
            Directory.CreateDirectory(folder.Path, Own | UnixFileMode.UserExecute);
            using (var backup = await maker.Collect(new BackupChoice(options.Backups.WithState), ct))
            {
                var how = new FileStreamOptions
                {
                    Mode = FileMode.Create,
                    Access = FileAccess.Write,
                    UnixCreateMode = Own,
                };
                await using var output = new FileStream(part, how);
                await BackupFile.Write(backup.Folder, backup.Manifest, output, ct);
                output.Flush(flushToDisk: true);
            }

            var words = (await restorer.Try(part, folder.Path, ct)).Words;
            File.Move(part, file, overwrite: true);
            failure.Clear();
            LogMade(log, file, words);
            foreach (var old in folder.List().Skip((int)options.Backups.Keep))
                File.Delete(old.File);
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            failure.Set(now, string.Create(CultureInfo.InvariantCulture, $"no backup in {folder.Path}: {e.Message}"));
            LogFailed(log, folder.Path, e);
        }
        finally
        {
            if (File.Exists(part))
                File.Delete(part);
        }
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "made the backup {File}, which restores {Words}")]
    private static partial void LogMade(ILogger logger, string file, string words);

    [LoggerMessage(Level = LogLevel.Error, Message = "the backup in {Folder} failed; will retry within an hour")]
    private static partial void LogFailed(ILogger logger, string folder, Exception error);
}
