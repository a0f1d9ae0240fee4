using System.Globalization;
using System.Text.Json;
using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Features;
using Hive.Features.Backups;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting.Internal;

namespace Hive.Host.Restore;

/// <summary>Restores a backup before a host starts, and tries backups.</summary>
internal static class RestoreCommand
{
    /// <summary>The argument before the file that is restored.</summary>
    public const string Flag = "--restore";

    /// <summary>The argument after that file which lets it take the place of a data folder that is not empty.</summary>
    public const string ReplaceFlag = "--replace";

    /// <summary>The argument before the file that is only tried.</summary>
    public const string TryFlag = "--try-backup";

    /// <summary>The host's own part of a backup.</summary>
    public static IServiceCollection AddSettingsBackup(this IServiceCollection services) =>
        services.AddSingleton<IBackupPart, SettingsBackup>().AddSingleton<IRestorePart, SettingsBackup.Restore>();

    /// <summary>Restores a backup into the data folder, whose former content is kept beside it.</summary>
    /// <param name="file">The backup.</param>
    /// <param name="replaces">Whether the data folder may hold something.</param>
    /// <param name="args">The flags of the host.</param>
    /// <param name="output">Gets what was restored.</param>
    /// <exception cref="StartupProblem">Nothing was restored, and nothing has changed.</exception>
    public static async Task Run(string file, bool replaces, string[] args, TextWriter output)
    {
        var read = ReadOptions.All(args);
        if (read.Faults.Count > 0)
            throw new StartupProblem(string.Join("\nhive-host: ", read.Faults));
        var data = Real(read.Paths!.DataDir);
        var isNew = !Directory.Exists(data);
        try
        {
            using var held = await FolderLock.Take(data, HiveApp.DataMode, "--data-dir (HIVE_DATADIR)");
            var swap = new RestoreSwap(data);
            if (await swap.Recover() is { } recovered)
                await output.WriteLineAsync(recovered);
            if (!replaces && !swap.IsEmpty)
                throw new StartupProblem(
                    $"{file} was not restored: {data} is not empty. Choose an empty data folder with --data-dir "
                        + $"(HIVE_DATADIR), or add {ReplaceFlag} to keep this one beside the restored one"
                );
            FolderLock heldNew;
            try
            {
                swap.Begin(file, DateTimeOffset.UtcNow);
                await using var services = Services(read.Options, read.Paths);
                var restored = await services
                    .GetRequiredService<Restorer>()
                    .Into(file, swap.Made, CancellationToken.None);
                MustBeUsable(swap.Made, args);
                heldNew = await swap.Exchange(Told(file, restored));
                isNew = false;
            }
            catch (Exception e) when (e is Problem or StartupProblem or IOException or UnauthorizedAccessException)
            {
                Discard(swap);
                throw new StartupProblem($"{file} was not restored: {e.Message}. {data} was not changed", e);
            }

            using (heldNew)
                await output.WriteLineAsync(swap.Finish());
        }
        finally
        {
            if (isNew && Directory.Exists(data))
                RemoveEmpty(data);
        }
    }

    // The host would refuse to start with these options, when the former data folder is out of its place already.
    private static void MustBeUsable(string made, string[] args)
    {
        var faults = ReadOptions.All([.. args, "--data-dir", made]).Faults;
        if (faults.Count > 0)
            throw new StartupProblem(
                string.Join("; ", faults).Replace(made, "the backup", StringComparison.Ordinal)
                    + "; restore another backup, or unpack this one by hand (docs/backups.md)"
            );
    }

    /// <summary>Finishes or undoes a restore that was interrupted, for a start without one.</summary>
    /// <param name="dataDir">The data folder, which this process has locked.</param>
    /// <returns>What was done, in words; null when nothing was.</returns>
    public static Task<string?> Recover(string dataDir) => new RestoreSwap(Real(dataDir)).Recover();

    /// <summary>Restores a backup into a temporary folder beside it, and writes what it holds as one line of
    /// JSON.</summary>
    /// <returns>The exit code: 0 when it can be restored, else 1.</returns>
    public static async Task<int> Try(string file, TextWriter output, TextWriter error)
    {
        try
        {
            var beside = Path.GetDirectoryName(Path.GetFullPath(file))!;
            await using var services = Services(new HiveOptions(), HivePaths.Find(beside, beside));
            var restored = await services.GetRequiredService<Restorer>().Try(file, beside, CancellationToken.None);
            await output.WriteLineAsync(JsonSerializer.Serialize(restored, WireJson.Options));
            return 0;
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            await error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    private static void Discard(RestoreSwap swap)
    {
        try
        {
            swap.Discard();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // The error of the restore is told; the next start removes the folder.
        }
    }

    private static string Told(string file, Restored restored)
    {
        var time = restored.MadeAt.ToString("yyyy-MM-dd HH:mm:ss'Z'", CultureInfo.InvariantCulture);
        return $"Restored {file}, made {time} by Hive {restored.HiveVersion}: {restored.Words}";
    }

    private static ServiceProvider Services(HiveOptions options, HivePaths paths) =>
        new ServiceCollection()
            .AddLogging()
            .AddSingleton(options)
            .AddSingleton(TimeProvider.System)
            .AddSingleton(paths)
            .AddSingleton<IHostApplicationLifetime, ApplicationLifetime>()
            .AddHiveFeatures()
            .AddSettingsBackup()
            .BuildServiceProvider();

    // A link to the data folder stays what it is; the folder itself is exchanged.
    private static string Real(string folder)
    {
        folder = Path.TrimEndingDirectorySeparator(folder);
        return Directory.Exists(folder)
            ? new DirectoryInfo(folder).ResolveLinkTarget(returnFinalTarget: true)?.FullName ?? folder
            : folder;
    }

    private static void RemoveEmpty(string folder)
    {
        foreach (var name in new[] { "hive.pid", "hive.lock" })
            File.Delete(Path.Combine(folder, name));
        if (!Directory.EnumerateFileSystemEntries(folder).Any())
            Directory.Delete(folder);
    }
}
