using System.Collections.Concurrent;
using System.ComponentModel;
using System.Globalization;
using Hive.Common.Processes;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Limits;

/// <summary>Has the kernel enforce the limits of files, where the file system of the data folder has project quotas
/// (ext4, XFS) and Hive is root. Nothing depends on it: the files are measured as well.</summary>
internal sealed partial class ProjectQuotas(HivePaths paths, TimeProvider clock, ILogger<ProjectQuotas> log)
{
    /// <summary>The owner of the shared folder; no agent has such a name.</summary>
    public const string Shared = "/shared";

    /// <summary>The option of a mount whose project quotas are enforced (ext4(5), xfs(5)).</summary>
    private const string MountOption = "prjquota";

    // A quota is set in units of 1 KiB (setquota(8)).
    private const long Unit = 1024;

    private static readonly Dictionary<string, string> Variables = new()
    {
        ["PATH"] = $"{Environment.GetEnvironmentVariable("PATH")}:/usr/sbin:/sbin",
        ["LC_ALL"] = "C.UTF-8",
    };

    // The exit code of env(1) for a program that is not installed.
    private const int NotFound = 127;

    // The exit code of findmnt(8) where it knows no mount of a folder, as in a chroot.
    private const int NoMount = 1;

    private static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(1);

    private readonly ConcurrentDictionary<string, Attempt> attempts = new();

    // The last quota that is set is that of the last caller.
    private readonly ConcurrentDictionary<string, SemaphoreSlim> turns = new();

    // What findmnt said last, and the kernel's mounts at that time: each agent that is made asks.
    private KnownMount? known;

    /// <summary>Why the kernel may not enforce the limit of an owner, although it enforces others; null when it does,
    /// or enforces none.</summary>
    public string? FindFault(string owner) => attempts.GetValueOrDefault(owner)?.Fault;

    /// <summary>Makes folders that have just been created, and all that will be in them, files of their owner's
    /// project. A failure is logged, and found again by <see cref="Limit"/>.</summary>
    public async Task Begin(string owner, IReadOnlyCollection<string> created)
    {
        if (created.Count == 0 || (await FindMount()).Place is null)
            return;
        var done = await Run(["chattr", "-p", ProjectOf(owner), "+P", .. created]);
        if (done.Fault is { } fault)
            LogFailed(log, owner, fault);
    }

    /// <summary>Sets the most bytes and files that the project of an owner may take.</summary>
    /// <param name="owner">An agent, or <see cref="Shared"/>.</param>
    /// <param name="folders">Its folders.</param>
    /// <param name="bytes">Each file counts as <see cref="FolderUse.BytesPerFile"/> at least.</param>
    public async Task Limit(string owner, IReadOnlyCollection<string> folders, long bytes)
    {
        var turn = turns.GetOrAdd(owner, _ => new SemaphoreSlim(1, 1));
        await turn.WaitAsync();
        try
        {
            var mount = await FindMount();
            var fault = mount.Place is { } place ? await TryLimit(owner, folders, bytes, place) : mount.Fault;
            if (fault is not null && FindFault(owner) != fault)
                LogFailed(log, owner, fault);
            attempts[owner] = new Attempt(fault, clock.GetTimestamp());
        }
        finally
        {
            turn.Release();
        }
    }

    /// <summary>Does the same where this host has not done it yet, or where it failed more than a minute ago.</summary>
    /// <inheritdoc cref="Limit"/>
    public Task Ensure(string owner, IReadOnlyCollection<string> folders, long bytes) =>
        attempts.GetValueOrDefault(owner) is { } last
        && (last.Fault is null || clock.GetElapsedTime(last.At) < RetryPause)
            ? Task.CompletedTask
            : Limit(owner, folders, bytes);

    /// <summary>Forgets an owner.</summary>
    public void Forget(string owner) => attempts.TryRemove(owner, out _);

    /// <summary>The programs that set quotas and cannot be run; none when all can.</summary>
    public static async Task<IReadOnlyList<string>> FindMissing()
    {
        List<string> missing = [];
        // The others print their usage.
        foreach (var command in new string[][] { ["chattr"], ["lsattr", "-d", "/"], ["setquota"] })
        {
            if ((await Run(command)).ExitCode == NotFound)
                missing.Add(command[0]);
        }

        return missing;
    }

    /// <summary>Finds the mount of the data folder, or where it would be created.</summary>
    public async Task<QuotaMount> FindMount()
    {
        if (!Environment.IsPrivilegedProcess)
            return new QuotaMount(null, "only root can set them", null);
        var folder = paths.DataDir;
        while (!Directory.Exists(folder) && Path.GetDirectoryName(folder) is { } parent)
            folder = parent;
        return await MountOf(folder);
    }

    /// <summary>Looks whether folders belong to their owner's project; changes nothing.</summary>
    /// <param name="owner">An agent, or <see cref="Shared"/>.</param>
    /// <param name="folders">Its folders.</param>
    /// <param name="place">The mount of the data folder.</param>
    /// <returns>Why the quota of the project does not hold for them; null when it does.</returns>
    public async Task<string?> Examine(string owner, IReadOnlyCollection<string> folders, string place)
    {
        foreach (var folder in folders)
        {
            var mount = await MountOf(folder);
            if (mount.Place != place)
                return mount.Fault ?? $"{folder} is not on the disk of the data folder";
        }

        var project = ProjectOf(owner);
        var (attributes, fault) = await List(folders);
        if (fault is not null)
            return fault;
        // A line is `1234 --------------P----- /folder`. A file that is older than its folder's project belongs to
        // none, and could not be renamed within the folder.
        if (
            attributes.Count != folders.Count
            || attributes.Any(line =>
                line is not [var number, var flags, ..] || number != project || !flags.Contains('P')
            )
        )
            return $"run `chattr -R -p {project} +P {string.Join(' ', folders.Select(Quoted))}` while nothing writes "
                + "there";
        return null;
    }

    private async Task<string?> TryLimit(string owner, IReadOnlyCollection<string> folders, long bytes, string place)
    {
        if (await Examine(owner, folders, place) is { } fault)
            return fault;
        var (blocks, files) = (Text(bytes / Unit), Text(bytes / FolderUse.BytesPerFile));
        return (await Run(["setquota", "-P", ProjectOf(owner), "0", blocks, "0", files, place])).Fault;
    }

    private async Task<QuotaMount> MountOf(string folder)
    {
        var mounts = await Mounts();
        if (mounts is not null && known is { } last && last.Folder == folder && last.Mounts == mounts)
            return last.Mount;
        // Of mounts over each other, the last one is in use.
        string[] command = ["findmnt", "--noheadings", "--notruncate", "--first-only", "--direction", "backward"];
        var done = await Run([.. command, "--output", "FS-OPTIONS,TARGET", "--target", folder]);
        if (done.ExitCode == NotFound)
            return new QuotaMount(null, done.Fault, null);
        if (done.ExitCode == NoMount)
            return new QuotaMount(null, $"findmnt knows no mount of {folder}", null);
        // A list of options without blanks, and the place.
        if (done.Fault is not null || done.Output.Trim().Split(' ', 2) is not [var options, var place])
            return new QuotaMount(null, null, done.Fault ?? $"findmnt says nothing of {folder}");
        place = place.Trim();
        var mount = options.Split(',').Contains(MountOption)
            ? new QuotaMount(place, null, null)
            : new QuotaMount(null, $"{place} is mounted without {MountOption}", null);
        if (mounts is not null)
            known = new KnownMount(folder, mounts, mount);
        return mount;
    }

    // Null where it cannot be read, as in a chroot without /proc.
    private static async Task<string?> Mounts()
    {
        try
        {
            return await File.ReadAllTextAsync("/proc/self/mountinfo");
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            return null;
        }
    }

    private static async Task<(IReadOnlyList<string[]> Attributes, string? Fault)> List(IEnumerable<string> folders)
    {
        var done = await Run(["lsattr", "-p", "-d", .. folders]);
        return (
            [
                .. done
                    .Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)
                    .Select(line => line.Split(' ', StringSplitOptions.RemoveEmptyEntries)),
            ],
            done.Fault
        );
    }

    // The number of the agent's user outside: the same at each start, and with all probability its own.
    private string ProjectOf(string owner) => Text(AgentUser.Of(Instance.Of(paths), owner));

    private static string Quoted(string path) => $"'{path.Replace("'", @"'\''", StringComparison.Ordinal)}'";

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<Done> Run(string[] command)
    {
        try
        {
            var done = await ProgramRunner.Run(
                // It looks the program up in these variables, not in the host's.
                new ProgramCall(["env", .. command]) { TimeLimit = Trial.Patience, Environment = Variables },
                CancellationToken.None
            );
            return new Done(
                done.ExitCode,
                done.OutputText,
                done.ExitCode == 0 ? null
                    : done.ExitCode == NotFound ? $"{command[0]} is not installed"
                    : $"{command[0]} ended with {done.ExitCode}: {string.Join(' ', done.LastErrors(2))}"
            );
        }
        catch (Win32Exception e)
        {
            return new Done(null, "", $"{command[0]}: {e.Message}");
        }
        catch (TimeoutException e)
        {
            return new Done(null, "", e.Message);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the kernel may not enforce the limit of {Owner}'s files: {Why}"
    )]
    private static partial void LogFailed(ILogger logger, string owner, string why);

    private sealed record Attempt(string? Fault, long At);

    private sealed record KnownMount(string Folder, string Mounts, QuotaMount Mount);

    private sealed record Done(int? ExitCode, string Output, string? Fault);
}

/// <summary>The mount of a folder.</summary>
/// <param name="Place">Where a file system with project quotas is mounted; null for one without.</param>
/// <param name="Reason">Why there are no quotas; null where there are, or where that is unknown.</param>
/// <param name="Fault">Why it is unknown.</param>
internal sealed record QuotaMount(string? Place, string? Reason, string? Fault);
