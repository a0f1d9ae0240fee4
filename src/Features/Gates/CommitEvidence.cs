using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Forge.Contracts;
using Hive.Features.StateFiles.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Gates;

/// <summary>
/// Keeps the commits that were handed in, in one repository of the host's own for each ticket, and looks whether a
/// branch contains them. Commits come from the forge, or from a folder of an agent, in which no program is run. Uses
/// the file system and the network: never inside a write.
/// </summary>
internal sealed class CommitEvidence(
    GitProgram git,
    GitQuarantine quarantine,
    IForgeFetch forge,
    IStateFileReader files,
    HivePaths paths,
    HiveOptions options
) : IDisposable
{
    private const string ForgePrefix = "forge:";

    // Of the repository of a ticket, as a multiple of the largest repository that is taken.
    private const int MostOfTicket = 4;

    // Two calls that make the same repository would write the same files.
    private readonly SemaphoreSlim making = new(1, 1);

    private string Folder => Path.Combine(paths.DataDir, "evidence");

    /// <summary>Takes a commit, with everything that it reaches.</summary>
    /// <param name="agent">The agent that hands it in.</param>
    /// <param name="ticket">The ticket.</param>
    /// <param name="artifact">The commit, 7 to 40 hexadecimal digits, and its repository:
    /// <c>forge:&lt;owner&gt;/&lt;name&gt;</c>, or a folder of the agent or of all.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The commit does not exist, or its repository is refused.</exception>
    public async Task<CollectedArtifact> Collect(string agent, long ticket, Handed artifact, CancellationToken ct)
    {
        var into = await RepositoryOf(ticket, ct);
        MustHaveRoom(ticket, into);
        var reference = $"refs/evidence/{Guid.NewGuid():N}";
        var (shown, sha) = await Take(agent, artifact.Repository, artifact.Commit, into, reference, ct);
        var text = await Shown(into, sha, ct);
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
    }

    /// <summary>Looks whether a branch contains a commit that was handed in.</summary>
    /// <param name="ticket">The ticket.</param>
    /// <param name="repository">The ticket's repository.</param>
    /// <param name="sha">The commit.</param>
    /// <param name="branch">The branch.</param>
    /// <param name="ct">Cancels.</param>
    /// <exception cref="Problem">The repository or the branch cannot be read.</exception>
    public async Task<bool> IsMerged(long ticket, string repository, string sha, string branch, CancellationToken ct)
    {
        var into = await RepositoryOf(ticket, ct);
        var reference = $"refs/branches/{Guid.NewGuid():N}";
        var tip = await Tip(repository, branch, into, reference, ct);
        try
        {
            var found = await git.Try(into, ["merge-base", "--is-ancestor", sha, tip], ct);
            return found.ExitCode == 0;
        }
        finally
        {
            await git.Try(into, ["update-ref", "-d", reference], CancellationToken.None);
        }
    }

    public void Dispose() => making.Dispose();

    /// <summary>Removes the commits of a ticket that is gone.</summary>
    public void Remove(long ticket)
    {
        var folder = PathOf(ticket);
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
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

    private async Task<(string Shown, string Sha)> Take(
        string agent,
        string repository,
        string commit,
        string into,
        string reference,
        CancellationToken ct
    )
    {
        if (OfForge(repository) is { } name)
            return (repository, await forge.Commit(name, commit, Bounds(repository), into, reference, ct));
        var folder = files.Locate(agent, repository);
        return (
            folder.Path,
            await quarantine.Fetch(folder.Root, folder.Below, Bounds(folder.Path), commit, into, reference, ct)
        );
    }

    private async Task<string> Tip(
        string repository,
        string branch,
        string into,
        string reference,
        CancellationToken ct
    )
    {
        if (OfForge(repository) is { } name)
            return await forge.Branch(name, branch, Bounds(repository), into, reference, ct);
        var folder = files.Locate(AddArtifact.OwnerOf(repository) ?? "", repository);
        var bounds = Bounds(folder.Path);
        var tip =
            GitQuarantine.Tip(folder.Root, folder.Below, bounds, branch)
            ?? throw Problem.NotFound($"{folder.Path} does not have the branch '{branch}'");
        return await quarantine.Fetch(folder.Root, folder.Below, bounds, tip, into, reference, ct);
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

    private async Task<string> RepositoryOf(long ticket, CancellationToken ct)
    {
        var folder = PathOf(ticket);
        await making.WaitAsync(ct);
        try
        {
            await GitProgram.Init(folder, bare: true, ct);
        }
        finally
        {
            making.Release();
        }

        return folder;
    }

    private void MustHaveRoom(long ticket, string folder)
    {
        var most = (long)(options.Gates.RepositoryMegabytes * (1 << 20)) * MostOfTicket;
        var bytes = new DirectoryInfo(folder).EnumerateFiles("*", SearchOption.AllDirectories).Sum(f => f.Length);
        if (bytes > most)
            throw Problem.TooLarge(
                $"the commits of ticket {ticket} take more than {most >> 20} MiB; let the operator raise "
                    + "Gates:RepositoryMegabytes, a quarter of that limit"
            );
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
        var text = Encoding.UTF8.GetString(shown.Output.Span).Replace('\0', '\uFFFD');
        var bytes = Encoding.UTF8.GetBytes(shown.Truncated ? text.TrimEnd('\uFFFD') + Cut : text);
        return bytes.Length <= ArtifactTable.KeptBytes ? bytes : Encoding.UTF8.GetBytes($"commit {sha}\n");
    }

    private string PathOf(long ticket) => Path.Combine(Folder, ticket.ToString(CultureInfo.InvariantCulture) + ".git");

    /// <summary>A commit as an agent names it.</summary>
    public sealed record Handed(string Type, string Commit, string Repository);
}
