using System.Globalization;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Backups;

/// <summary>A backup that the schedule has made.</summary>
/// <param name="File">An absolute path.</param>
/// <param name="MadeAt">When it was made, by its name.</param>
internal sealed record ScheduledFile(string File, DateTimeOffset MadeAt)
{
    /// <summary>False when files of agents were left out, by its name.</summary>
    public bool IsWhole => !File.EndsWith(BackupFolder.PartialEnding, StringComparison.Ordinal);
}

/// <summary>The folder of the schedule's backups. Their names say when they were made; files with other names are
/// ignored.</summary>
internal sealed class BackupFolder(HiveOptions options, HivePaths paths)
{
    /// <summary>The end of the name of a backup from which files of agents were left out.</summary>
    public const string PartialEnding = ".partial.tar";

    private const string Form = "'hive-'yyyyMMdd'T'HHmmss'Z'";
    private const string WholeEnding = ".tar";

    private static readonly string[] Forms = [$"{Form}'{WholeEnding}'", $"{Form}'{PartialEnding}'"];

    /// <summary>An absolute path.</summary>
    public string Path { get; } =
        System.IO.Path.GetFullPath(
            options.Backups.Folder ?? System.IO.Path.TrimEndingDirectorySeparator(paths.DataDir) + ".backups"
        );

    /// <summary>The folder in which the schedule makes and tries a backup; nobody else uses it.</summary>
    public string Work => System.IO.Path.Combine(Path, ".hive-schedule");

    /// <summary>The path of a backup that is made now.</summary>
    public string FileOf(DateTimeOffset now, bool whole) =>
        System.IO.Path.Combine(
            Path,
            now.UtcDateTime.ToString(Form, CultureInfo.InvariantCulture) + (whole ? WholeEnding : PartialEnding)
        );

    /// <summary>All of them, the newest first; none when the folder cannot be read.</summary>
    public IReadOnlyList<ScheduledFile> List()
    {
        try
        {
            return Directory.Exists(Path)
                ?
                [
                    .. Directory
                        .EnumerateFiles(Path)
                        .Select(file => new ScheduledFile(file, TimeOf(file)))
                        .Where(file => file.MadeAt != default)
                        .OrderByDescending(file => file.MadeAt),
                ]
                : [];
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return [];
        }
    }

    /// <summary>The newest; null without any.</summary>
    public ScheduledFile? Newest() => List() is [var newest, ..] ? newest : null;

    private static DateTimeOffset TimeOf(string file) =>
        DateTimeOffset.TryParseExact(
            System.IO.Path.GetFileName(file),
            Forms,
            CultureInfo.InvariantCulture,
            DateTimeStyles.AssumeUniversal,
            out var time
        )
            ? time
            : default;
}
