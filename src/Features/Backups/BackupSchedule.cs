using Hive.Common.Backups;
using Hive.Common.Linux;
using Hive.Common.Storage;
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

    private const int MaxNamed = 3;

    private const UnixFileMode Own = UnixFileMode.UserRead | UnixFileMode.UserWrite;

    private TimeSpan Every => TimeSpan.FromHours((double)options.Backups.EveryHours);

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (Every <= TimeSpan.Zero)
            return;
        if (folder.List() is [{ IsWhole: false } partial, ..])
            failure.SetPartial(
                partial.MadeAt,
                $"{partial.File} leaves out files of agents; its log line says how many"
            );
        using var timer = new PeriodicTimer(Tick, clock);
        do
        {
            var now = clock.GetUtcNow();
            try
            {
                if (!IsDue(now))
                    continue;
                await MakeOne(now, stoppingToken);
                Prune(now);
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                // An error of any kind must not end the schedule.
                failure.Set(now, $"no backup in {folder.Path}: {e.Message}");
                LogFailed(log, folder.Path, e);
            }
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

    private async Task MakeOne(DateTimeOffset now, CancellationToken ct)
    {
        // A killed host may have left files in it.
        Remove(folder.Work);
        LinuxPath.CreateFolder(folder.Path, Own | UnixFileMode.UserExecute);
        Directory.CreateDirectory(folder.Work, Own | UnixFileMode.UserExecute);
        try
        {
            var part = Path.Combine(folder.Work, $"{Guid.NewGuid():N}.tar");
            string[] leftOut;
            using (var backup = await maker.Collect(new BackupChoice(options.Backups.WithState, folder.Path), ct))
            {
                // A name that keeps a file out of every backup makes no difference between them.
                leftOut = [.. backup.LeftOut.Where(left => left.ForRoom).Select(left => left.Text)];
                // For the archive and its trial.
                DiskRoom.MustHold(
                    folder.Path,
                    2 * backup.Manifest.Members.Sum(m => m.Bytes),
                    "the backup with its trial"
                );
                var how = new FileStreamOptions
                {
                    Mode = FileMode.CreateNew,
                    Access = FileAccess.Write,
                    UnixCreateMode = Own,
                };
                await using var output = new FileStream(part, how);
                await BackupFile.Write(backup.Folder, backup.Manifest, output, ct);
                output.Flush(flushToDisk: true);
            }

            var words = (await restorer.Try(part, folder.Work, ct)).Words;
            var file = folder.FileOf(now, whole: leftOut.Length == 0);
            File.Move(part, file, overwrite: true);
            if (leftOut.Length == 0)
                failure.Clear();
            else
                failure.SetPartial(
                    now,
                    $"{file} leaves out files of agents: {string.Join(", ", leftOut.Take(MaxNamed))}"
                        + $"{(leftOut.Length > MaxNamed ? ", …" : "")}; make room or remove them. Older "
                        + "backups that leave out nothing are kept"
                );
            LogMade(log, file, words);
        }
        finally
        {
            try
            {
                Remove(folder.Work);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                // The next backup tries it again, and says so if that fails.
                LogLeft(log, folder.Work, e);
            }
        }
    }

    // Files from the future are the oldest: they were made before the clock was set back. So the one just made stays.
    // Half are the newest. The others, and always one, leave out nothing: no agent can push all whole ones out.
    private void Prune(DateTimeOffset now)
    {
        var files = folder.List().OrderByDescending(file => file.MadeAt <= now).ToArray();
        var keep = (int)options.Backups.Keep;
        var kept = files
            .Take(Math.Max(1, keep / 2))
            .Union(files.OrderByDescending(file => file.IsWhole))
            .Take(keep)
            .Union(files.Where(file => file.IsWhole).Take(1));
        foreach (var old in files.Except(kept))
        {
            try
            {
                File.Delete(old.File);
            }
            catch (Exception e) when (e is IOException or UnauthorizedAccessException)
            {
                failure.Set(now, $"a backup was made, but the old {old.File} cannot be deleted: {e.Message}");
                LogKept(log, old.File, e);
            }
        }
    }

    private static void Remove(string work)
    {
        if (Directory.Exists(work))
            Directory.Delete(work, recursive: true);
    }

    [LoggerMessage(Level = LogLevel.Information, Message = "made the backup {File}, which restores {Words}")]
    private static partial void LogMade(ILogger logger, string file, string words);

    [LoggerMessage(Level = LogLevel.Error, Message = "the backup in {Folder} failed; will retry within an hour")]
    private static partial void LogFailed(ILogger logger, string folder, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Folder} cannot be removed; the next backup tries it again")]
    private static partial void LogLeft(ILogger logger, string folder, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "the old backup {File} cannot be deleted")]
    private static partial void LogKept(ILogger logger, string file, Exception error);
}
