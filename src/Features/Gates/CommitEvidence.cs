using System.Collections.Concurrent;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Common.Storage;
using Hive.Features.Forge.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Gates;

/// <summary>
/// Keeps the commits that were handed in, in one repository of the host's own for each ticket, and looks whether a
/// branch contains them. Commits come from the forge, or from a folder of an agent, in which no program is run. Uses
/// the file system and the network: never inside a write.
/// </summary>
internal sealed partial class CommitEvidence(
    IStore store,
    ITickets tickets,
    GitProgram git,
    GitBundles bundles,
    GitQuarantine quarantine,
    IForgeFetch forge,
    IStateFileReader files,
    HivePaths paths,
    HiveOptions options,
    ILogger<CommitEvidence> log
) : IDisposable
{
    private const string ForgePrefix = "forge:";

    // Of a commit in the copy that it is fetched into first.
    private const string Fetched = "refs/heads/taken";

    // Of the repository of a ticket, as a multiple of the largest repository that is taken.
    private const int MostOfTicket = 4;

    // The repositories that are read together; each is a fetch, and programs.
    private const int AtOnce = 4;

    // Packing again what a ticket keeps may take longer than other calls.
    private static readonly GitCall Packing = new() { TimeLimit = TimeSpan.FromMinutes(10) };

    private readonly SemaphoreSlim places = new(AtOnce, AtOnce);

    // One at a time for each ticket; some tickets share one. Taken before a place.
    private readonly SemaphoreSlim[] turns = [.. Enumerable.Range(0, 64).Select(_ => new SemaphoreSlim(1, 1))];

    // Commits that are taken and not stored yet, with the number of calls that have taken each.
    private readonly Dictionary<(long Ticket, string Sha), int> held = [];

    // Tickets whose repository has only objects that count.
    private readonly ConcurrentDictionary<long, bool> packed = [];

    private volatile bool isStopped;

    private string Folder => Path.Combine(paths.DataDir, "evidence");

    /// <summary>Refuses what cannot name a commit of a repository, before anything is opened.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>.</exception>
    public static void MustBeWellFormed(string commit, string repository)
    {
        if (!CommitName().IsMatch(commit))
            throw Problem.Invalid(
                "a commit must be 7 to 40 hexadecimal digits, as 'git rev-parse HEAD' prints; branches and tags can "
                    + "move, so they are not accepted"
            );
        if (!RepositoryForm().IsMatch(repository))
            throw Problem.Invalid(
                "a repository must be forge:<owner>/<name>, or the path of a folder; it has at most 4096 characters"
            );
    }

    /// <summary>Takes a commit, with everything that it reaches. It is kept until <see cref="Done"/>, and afterwards
    /// when an artifact of the ticket names it by then.</summary>
    /// <param name="agent">The agent that hands it in.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="artifact">The commit, 7 to 40 hexadecimal digits, and its repository:
    /// <c>forge:&lt;owner&gt;/&lt;name&gt;</c>, or a folder of the agent or of all.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The commit does not exist, or its repository is refused. Code <c>unavailable</c>: the
    /// disk fails.</exception>
    public Task<CollectedArtifact> Collect(string agent, long ticket, Handed artifact, CancellationToken ct) =>
        InTurn(
            ticket,
            () =>
                InCopy(
                    async copy =>
                    {
                        var (shown, sha) = await Take(agent, artifact.Repository, artifact.Commit, copy, ct);
                        var text = await Shown(copy, sha, ct);
                        await Keep(ticket, sha, copy, shown, ct);
                        return new CollectedArtifact(
                            artifact.Type,
                            ArtifactTable.Commit,
                            null,
                            text.Length,
                            Convert.ToHexStringLower(SHA256.HashData(text)),
                            text,
                            shown,
                            sha
                        );
                    },
                    ct
                ),
            ct
        );

    /// <summary>The call that took commits is over: those that it did not store are let go.</summary>
    public void Done(long ticket, IEnumerable<CollectedArtifact?> collected)
    {
        var shas = collected.Select(a => a?.Sha).OfType<string>().ToArray();
        if (shas.Length == 0)
            return;
        lock (held)
        {
            foreach (var sha in shas)
            {
                if (--held[(ticket, sha)] == 0)
                    held.Remove((ticket, sha));
            }
        }

        _ = Task.Run(() => CleanUp(ticket));
    }

    /// <summary>Looks whether a branch contains a commit. The branch is fetched into a copy that is removed
    /// afterwards.</summary>
    /// <param name="repository">The ticket's repository.</param>
    /// <param name="sha">The commit.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The repository or the branch cannot be read. Code <c>not_found</c>: the repository, or
    /// the branch. <c>unavailable</c>: that may pass by itself.</exception>
    public Task<bool> IsMerged(string repository, string sha, string branch, CancellationToken ct) =>
        InCopy(
            async copy =>
            {
                var tip = await Tip(repository, branch, copy, ct);
                // All that the branch reaches is in the copy.
                return await IsSo(copy, ["cat-file", "-e", sha], ct)
                    && await IsSo(copy, ["merge-base", "--is-ancestor", sha, tip], ct);
            },
            ct
        );

    public void Dispose()
    {
        isStopped = true;
        places.Dispose();
    }

    /// <summary>Lets go of the commits that no artifact of a ticket names: of all when the ticket is gone. A failure is
    /// logged, and the next start tries again.</summary>
    public async Task CleanUp(long ticket)
    {
        try
        {
            await InTurn(ticket, () => LetGo(ticket), CancellationToken.None);
        }
        catch (Exception e)
        {
            if (!isStopped)
                LogKept(log, ticket, e);
        }
    }

    /// <summary>The tickets whose commits are kept.</summary>
    public IReadOnlyList<long> Tickets() =>
        Directory.Exists(Folder)
            ?
            [
                .. Directory
                    .EnumerateDirectories(Folder, "*.git")
                    .Select(Path.GetFileNameWithoutExtension)
                    .Select(name =>
                        long.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : 0
                    )
                    .Where(id => id > 0),
            ]
            : [];

    /// <summary>Writes a bundle with the commits of a ticket; no file when it has none.</summary>
    public Task WriteBundle(long ticket, string file, CancellationToken ct) =>
        InTurn(
            ticket,
            async () =>
            {
                await bundles.Write(PathOf(ticket), file, ct);
                return true;
            },
            ct
        );

    private async Task<(string Shown, string Sha)> Take(
        string agent,
        string repository,
        string commit,
        string into,
        CancellationToken ct
    )
    {
        if (OfForge(repository) is { } name)
            return (repository, await forge.Commit(name, commit, Bounds(repository), into, Fetched, ct));
        var folder = files.Locate(agent, repository);
        return (
            folder.Path,
            await quarantine.Fetch(folder.Root, folder.Below, Bounds(folder.Path), commit, into, Fetched, ct)
        );
    }

    private async Task<string> Tip(string repository, string branch, string into, CancellationToken ct)
    {
        if (OfForge(repository) is { } name)
            return await forge.Branch(name, branch, Bounds(repository), into, Fetched, ct);
        var folder = files.Locate(AddArtifact.OwnerOf(repository) ?? "", repository);
        var bounds = Bounds(folder.Path);
        var tip =
            GitQuarantine.Tip(folder.Root, folder.Below, bounds, branch)
            ?? throw Problem.NotFound($"{folder.Path} does not have the branch '{branch}'; push it");
        return await quarantine.Fetch(folder.Root, folder.Below, bounds, tip, into, Fetched, ct);
    }

    private static string? OfForge(string repository) =>
        repository.StartsWith(ForgePrefix, StringComparison.Ordinal) ? repository[ForgePrefix.Length..] : null;

    private GitBounds Bounds(string repository)
    {
        var bytes = (long)(options.Gates.RepositoryMegabytes * (1 << 20));
        return new GitBounds
        {
            Noun = repository,
            Repository = $"the repository {repository}",
            Advice = "hand in a commit of a smaller repository, or let the operator raise Gates:RepositoryMegabytes",
            MaxBytes = bytes,
            MaxUnpackedBytes = 4 * bytes,
            MaxFiles = 100_000,
            MaxObjects = 500_000,
            MayBeBare = true,
        };
    }

    private async Task<T> InTurn<T>(long ticket, Func<Task<T>> work, CancellationToken ct)
    {
        var turn = turns[ticket % turns.Length];
        await turn.WaitAsync(ct);
        try
        {
            return await work();
        }
        finally
        {
            turn.Release();
        }
    }

    // A repository of its own for one call, so that what is refused or only looked at leaves nothing behind.
    private async Task<T> InCopy<T>(Func<string, Task<T>> work, CancellationToken ct)
    {
        await places.WaitAsync(ct);
        var copy = Path.Combine(paths.DataDir, "tmp", "evidence-" + Guid.NewGuid().ToString("N"));
        try
        {
            try
            {
                await GitProgram.Init(copy, bare: true, ct);
                return await work(copy);
            }
            finally
            {
                if (Directory.Exists(copy))
                    Directory.Delete(copy, recursive: true);
            }
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the disk failed while a commit was fetched: {e.Message}; try again", e);
        }
        finally
        {
            places.Release();
        }
    }

    // The ref has the commit's name, so that a commit which is handed in again costs nothing.
    private async Task Keep(long ticket, string sha, string copy, string repository, CancellationToken ct)
    {
        var into = PathOf(ticket);
        await GitProgram.Init(into, bare: true, ct);
        if (!File.Exists(Path.Combine(RefsOf(into), sha)))
        {
            await MustHaveRoom(ticket, into, ct);
            // Forgotten before the fetch, which may write objects and then fail.
            var wasPacked = packed.TryRemove(ticket, out _);
            await git.Run(
                into,
                [
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    "--refmap=",
                    "--",
                    copy,
                    $"{Fetched}:refs/evidence/{sha}",
                ],
                ct,
                new GitCall { Protocols = "file", MaxFileBytes = Bounds(repository).MaxUnpackedBytes }
            );
            if (wasPacked)
                packed[ticket] = true;
        }

        // Its removal waits for this call when it was deleted later.
        if (await store.Read(db => tickets.Find(db, ticket) is null, ct))
        {
            Directory.Delete(into, recursive: true);
            throw Problem.NotFound($"ticket {ticket} not found");
        }

        lock (held)
            held[(ticket, sha)] = held.GetValueOrDefault((ticket, sha)) + 1;
    }

    private async Task<bool> LetGo(long ticket)
    {
        var folder = PathOf(ticket);
        if (!Directory.Exists(folder))
            return false;
        HashSet<string> named;
        // Before the artifacts are read: what is stored in between is in one of the two.
        lock (held)
            named = [.. held.Keys.Where(k => k.Ticket == ticket).Select(k => k.Sha)];
        var stored = await store.Read(
            db => tickets.Find(db, ticket) is null ? null : ArtifactTable.Commits(db, ticket),
            CancellationToken.None
        );
        var refs = RefsOf(folder);
        string[] kept = Directory.Exists(refs)
            ? [.. Directory.EnumerateFiles(refs).Select(f => Path.GetFileName(f)!)]
            : [];
        named.UnionWith(stored ?? []);
        if (stored is null || !kept.Any(named.Contains))
        {
            packed.TryRemove(ticket, out _);
            Directory.Delete(folder, recursive: true);
            return true;
        }

        // Their objects go when the room is needed.
        foreach (var sha in kept.Where(sha => !named.Contains(sha)))
        {
            packed.TryRemove(ticket, out _);
            File.Delete(Path.Combine(refs, sha));
        }

        return true;
    }

    private async Task MustHaveRoom(long ticket, string folder, CancellationToken ct)
    {
        var most = (long)(options.Gates.RepositoryMegabytes * (1 << 20)) * MostOfTicket;
        if (Bytes(folder) <= most)
            return;
        if (packed.TryAdd(ticket, true))
        {
            await git.Run(folder, ["repack", "-a", "-d", "--quiet"], ct, Packing);
            await git.Run(folder, ["prune", "--expire=now"], ct, Packing);
        }

        if (Bytes(folder) > most)
            throw Problem.TooLarge(
                $"the commits of ticket {ticket} take more than {most >> 20} MiB; let the operator raise "
                    + "Gates:RepositoryMegabytes, a quarter of that limit"
            );
    }

    // Programs of a call that was cancelled may still remove their files.
    private static long Bytes(string folder)
    {
        long sum = 0;
        foreach (var file in new DirectoryInfo(folder).EnumerateFiles("*", Everywhere))
        {
            try
            {
                sum += file.Length;
            }
            catch (FileNotFoundException)
            {
                continue;
            }
        }

        return sum;
    }

    private async Task<bool> IsSo(string repository, IReadOnlyList<string> arguments, CancellationToken ct)
    {
        var answer = await git.Try(repository, arguments, ct);
        return answer.ExitCode switch
        {
            0 => true,
            1 => false,
            var code => throw Problem.Unavailable(
                string.Create(CultureInfo.InvariantCulture, $"git {arguments[0]} ended with {code}: {answer.Error}")
            ),
        };
    }

    // The commit as a text: what it says, and what it changes. Attributes and programs of the repository have no effect
    // here.
    private async Task<byte[]> Shown(string repository, string sha, CancellationToken ct)
    {
        const string Cut = "\n… the rest is cut; see the commit\n";
        var shown = await git.Try(
            repository,
            ["show", "--no-color", "--no-ext-diff", "--no-textconv", "--format=fuller", "--stat", "--patch", sha],
            ct,
            new GitCall { MaxOutputBytes = ArtifactTable.KeptBytes - Cut.Length - 16 }
        );
        // Git is ended when it has written enough.
        if (shown is { Truncated: false, ExitCode: not 0 })
            return Unshown(sha, shown.Error);
        var text = Encoding.UTF8.GetString(shown.Output.Span).Replace('\0', '\uFFFD');
        var bytes = Encoding.UTF8.GetBytes(shown.Truncated ? text.TrimEnd('\uFFFD') + Cut : text);
        return bytes.Length <= ArtifactTable.KeptBytes ? bytes : Unshown(sha, "its changes are not UTF-8 text");
    }

    private static byte[] Unshown(string sha, string why) =>
        Encoding.UTF8.GetBytes($"commit {sha}\n\nThis commit cannot be shown ({why}); look at it in its repository.\n");

    private string PathOf(long ticket) => Path.Combine(Folder, ticket.ToString(CultureInfo.InvariantCulture) + ".git");

    private static string RefsOf(string repository) => Path.Combine(repository, "refs", "evidence");

    private static readonly EnumerationOptions Everywhere = new()
    {
        RecurseSubdirectories = true,
        AttributesToSkip = FileAttributes.None,
    };

    [GeneratedRegex(@"^[0-9a-fA-F]{7,40}\z")]
    private static partial Regex CommitName();

    [GeneratedRegex(@"^(?:forge:[^/\s]{1,100}/[^/\s]{1,100}|(?!forge:)[^\x00]{1,4096})\z")]
    private static partial Regex RepositoryForm();

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not remove commits of ticket {Ticket} that are not needed; will retry at the next start"
    )]
    private static partial void LogKept(ILogger logger, long ticket, Exception error);

    /// <summary>A commit as an agent names it.</summary>
    public sealed record Handed(string Type, string Commit, string Repository);
}
