using System.Collections.Immutable;
using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>The git repository <c>meta/</c>, which holds the swarm's lock and, for agents on nixos, their flake. Its
/// commits are authoritative; its files are for people and for nix. Changes must not run
/// concurrently.</summary>
internal sealed partial class MetaRepository(
    GitProgram git,
    NixFlake flake,
    HivePaths paths,
    ILogger<MetaRepository> log
)
{
    private const int MaxLockBytes = 64 << 20;

    private string Folder => Path.Combine(paths.DataDir, "meta");

    /// <summary>Creates the repository if it is missing, and removes what a killed host left uncommitted.</summary>
    public async Task Open(CancellationToken ct)
    {
        try
        {
            await GitProgram.Init(Folder, bare: false, ct);
            GitProgram.RemoveStaleLocks(Folder);
            if (await git.Head(Folder, ct) is not null)
                await git.Run(Folder, ["reset", "--quiet", "--hard"], ct);
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            // A full disk must not keep the host from starting; the committed lock can be read all the same.
            LogNotRestored(log, Folder, e);
        }
    }

    /// <summary>The last commit; null when there is none.</summary>
    public Task<string?> Head() => git.Head(Folder, CancellationToken.None);

    /// <summary>Reads the lock at a commit.</summary>
    /// <exception cref="FormatException">The lock is missing or invalid; the message says why and how to fix
    /// it.</exception>
    public async Task<ImmutableSortedDictionary<string, LockedAgent>> Read(string commit)
    {
        var file = await git.Try(
            Folder,
            ["cat-file", "blob", $"{commit}:{LockFile.FileName}"],
            CancellationToken.None,
            new GitCall { MaxOutputBytes = MaxLockBytes }
        );
        try
        {
            return file is { ExitCode: 0, Truncated: false }
                ? LockFile.Read(file.Text)
                : throw new FormatException("the file is not in the last commit");
        }
        catch (FormatException e)
        {
            throw new FormatException(
                $"cannot read the committed {Path.Combine(Folder, LockFile.FileName)}: {e.Message}; "
                    + "agents keep running, but nothing can be deployed; "
                    + $"restore an earlier lock: `git -C {Folder} log`, then "
                    + $"`git -C {Folder} checkout <commit> -- {LockFile.FileName}` and `git -C {Folder} commit`",
                e
            );
        }
    }

    /// <summary>True when a commit has the trailer <c>Approval: &lt;id&gt;</c>.</summary>
    public async Task<bool> HasApproval(long approvalId)
    {
        var id = approvalId.ToString(CultureInfo.InvariantCulture);
        if (await Head() is null)
            return false;
        // Only the last paragraph of a message holds trailers, so the same text in a description does not count.
        var trailers = await git.Run(
            Folder,
            [
                "log",
                $"--grep=^Approval: {id}$",
                "--extended-regexp",
                "--format=%(trailers:key=Approval,valueonly,separator=%x20)",
            ],
            CancellationToken.None
        );
        return trailers.Split('\n', StringSplitOptions.TrimEntries).Contains(id);
    }

    /// <summary>Writes and commits a lock. When that fails, the files and the index may be partly changed.</summary>
    public async Task Commit(ImmutableSortedDictionary<string, LockedAgent> agents, string message)
    {
        await File.WriteAllTextAsync(Path.Combine(Folder, LockFile.FileName), LockFile.Write(agents));
        var wasFlake = File.Exists(Path.Combine(Folder, NixFlake.FileName));
        var isFlake = await flake.Write(Folder, agents);
        await git.Run(
            Folder,
            ["add", "--", LockFile.FileName, .. isFlake ? (string[])[NixFlake.FileName, NixFlake.LockName] : []],
            CancellationToken.None
        );
        if (wasFlake && !isFlake)
            await git.Run(
                Folder,
                ["rm", "--quiet", "--cached", "--ignore-unmatch", "--", NixFlake.FileName, NixFlake.LockName],
                CancellationToken.None
            );
        await git.Run(
            Folder,
            ["commit", "--quiet", "--allow-empty", "--cleanup=whitespace", "--file=-"],
            CancellationToken.None,
            new GitCall { Input = message }
        );
    }

    /// <summary>Writes the files without committing them.</summary>
    /// <param name="applied">The lock that deploys under way have applied; null to restore the committed one.</param>
    public async Task WriteFiles(ImmutableSortedDictionary<string, LockedAgent>? applied)
    {
        if (applied is null)
        {
            await Reset();
            if (File.Exists(Path.Combine(Folder, NixFlake.FileName)))
                await git.Run(
                    Folder,
                    ["clean", "--quiet", "--force", "--", NixFlake.FileName, NixFlake.LockName],
                    CancellationToken.None
                );
        }
        else
        {
            // Moved into place, so that no reader sees half a file.
            var made = Path.Combine(Folder, ".git", LockFile.FileName + ".new");
            await File.WriteAllTextAsync(made, LockFile.Write(applied));
            await flake.Write(Folder, applied);
            File.Move(made, Path.Combine(Folder, LockFile.FileName), overwrite: true);
        }
    }

    /// <summary>Removes staged changes and writes the files; a failure is logged, because the files are not
    /// authoritative.</summary>
    /// <param name="applied">As for <see cref="WriteFiles"/>.</param>
    public async Task TryRestoreFiles(ImmutableSortedDictionary<string, LockedAgent>? applied)
    {
        try
        {
            if (applied is not null)
                await Reset();
            await WriteFiles(applied);
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            LogNotRestored(log, Folder, e);
        }
    }

    private Task<string> Reset() => git.Run(Folder, ["reset", "--quiet", "--hard"], CancellationToken.None);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not restore the files of the swarm's lock in {Folder}; the next deploy retries"
    )]
    private static partial void LogNotRestored(ILogger logger, string folder, Exception error);
}
