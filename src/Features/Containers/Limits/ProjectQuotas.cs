using System.Collections.Concurrent;
using System.ComponentModel;
using System.Globalization;
using System.Text.Json;
using Hive.Common.Processes;
using Hive.Protocol;
using Hive.Runtimes;
using Hive.Runtimes.Local;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Containers.Limits;

/// <summary>Has the kernel enforce the limits of files, where the file system of the data folder has project quotas
/// (ext4, XFS) and Hive is root. Nothing depends on it: the files are measured as well.</summary>
internal sealed partial class ProjectQuotas(HivePaths paths, ILogger<ProjectQuotas> log)
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
        ["LC_ALL"] = "C",
    };

    // Null for an owner whose limit the kernel enforces, or that it enforces nothing for.
    private readonly ConcurrentDictionary<string, string?> faults = new();

    /// <summary>True once <see cref="Limit"/> has been called for an owner.</summary>
    public bool IsKnown(string owner) => faults.ContainsKey(owner);

    /// <summary>Why the kernel may not enforce the limit of an owner, although it enforces others; null when it does,
    /// or enforces none.</summary>
    public string? FindFault(string owner) => faults.GetValueOrDefault(owner);

    /// <summary>Makes folders that have just been created, and all that will be in them, files of their owner's
    /// project. A failure is logged, and found again by <see cref="Limit"/>.</summary>
    public async Task Begin(string owner, IReadOnlyCollection<string> created)
    {
        if (created.Count == 0 || await TryFindMount() is null)
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
        var fault = await TryFindMount() is { } mount ? await TryLimit(owner, folders, bytes, mount) : null;
        if (fault is not null && faults.GetValueOrDefault(owner) != fault)
            LogFailed(log, owner, fault);
        faults[owner] = fault;
    }

    /// <summary>Forgets an owner.</summary>
    public void Forget(string owner) => faults.TryRemove(owner, out _);

    /// <summary>The programs that set quotas and cannot be run; none when all can.</summary>
    public static async Task<IReadOnlyList<string>> FindMissing()
    {
        List<string> missing = [];
        foreach (var program in new[] { "chattr", "lsattr", "setquota" })
        {
            // Without files to work on they only print their usage.
            if (await Run([program]) is { ExitCode: null })
                missing.Add(program);
        }

        return missing;
    }

    /// <summary>The mount of the data folder, if its project quotas are enforced.</summary>
    /// <returns>Where it is mounted, or null with the reason.</returns>
    public async Task<(string? Mount, string? Reason)> FindMount()
    {
        if (!Environment.IsPrivilegedProcess)
            return (null, "only root can set them");
        var done = await Run(["findmnt", "--json", "--output", "target,fs-options", "--target", paths.DataDir]);
        if (done.Fault is { } fault)
            return (null, fault);
        var at = JsonDocument.Parse(done.Output).RootElement.GetProperty("filesystems")[0];
        var mount = at.GetProperty("target").GetString()!;
        return at.GetProperty("fs-options").GetString()?.Split(',').Contains(MountOption) == true
            ? (mount, null)
            : (null, $"{mount} is mounted without {MountOption}");
    }

    private async Task<string?> TryFindMount() => (await FindMount()).Mount;

    private async Task<string?> TryLimit(string owner, IReadOnlyCollection<string> folders, long bytes, string mount)
    {
        var project = ProjectOf(owner);
        var (attributes, fault) = await List(folders);
        if (fault is not null)
            return fault;
        // As `1234 --------------P----- /folder`. The kernel counts no file for its folder's sake: one that was there
        // before belongs to no project, and could not be renamed into a folder that does.
        if (
            attributes.Count != folders.Count
            || attributes.Any(line =>
                line is not [var number, var flags, ..] || number != project || !flags.Contains('P')
            )
        )
            return $"run `chattr -R -p {project} +P {string.Join(' ', folders)}` while nothing writes there";
        var (blocks, files) = (bytes / Unit, bytes / FolderUse.BytesPerFile);
        return (await Run(["setquota", "-P", project, "0", Text(blocks), "0", Text(files), mount])).Fault;
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

    // With the number of an agent's user outside: the same at each start, and no other agent's.
    private string ProjectOf(string owner) => Text(AgentUser.Of(Instance.Of(paths), owner));

    private static string Text(long number) => number.ToString(CultureInfo.InvariantCulture);

    private static async Task<Done> Run(string[] command)
    {
        try
        {
            var done = await ProgramRunner.Run(
                new ProgramCall(command) { TimeLimit = Trial.Patience, Environment = Variables },
                CancellationToken.None
            );
            return new Done(
                done.ExitCode,
                done.OutputText,
                done.ExitCode == 0
                    ? null
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

    private sealed record Done(int? ExitCode, string Output, string? Fault);
}
