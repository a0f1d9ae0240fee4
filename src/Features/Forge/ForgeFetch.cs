using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Forge.Contracts;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <inheritdoc />
/// <remarks>The forge's repository is fetched into a repository of the host's own first, since a server hands out whole
/// branches and tags only; from there <see cref="GitQuarantine"/> takes the one commit, under its bounds.</remarks>
internal sealed partial class ForgeFetch(
    ForgeSettings settings,
    ForgeApi api,
    CoreToken token,
    GitProgram git,
    GitQuarantine quarantine,
    HivePaths paths
) : IForgeFetch
{
    public Task<string> Commit(
        string repository,
        string commit,
        GitBounds bounds,
        string into,
        string reference,
        CancellationToken ct
    ) =>
        Fetch(
            repository,
            ["refs/heads/*:refs/heads/*", "refs/tags/*:refs/tags/*"],
            _ => Task.FromResult(commit),
            bounds,
            into,
            reference,
            ct
        );

    public async Task<string> Branch(
        string repository,
        string branch,
        GitBounds bounds,
        string into,
        string reference,
        CancellationToken ct
    )
    {
        if (!BranchName().IsMatch(branch) || branch.Contains("..", StringComparison.Ordinal))
            throw Problem.Invalid("a branch must be letters, digits, '.', '_', '-' and '/', such as main");
        return await Fetch(
            repository,
            [$"refs/heads/{branch}:refs/heads/fetched"],
            async copy => await git.Run(copy, ["rev-parse", "--verify", "refs/heads/fetched"], ct),
            bounds,
            into,
            reference,
            ct
        );
    }

    private async Task<string> Fetch(
        string repository,
        IReadOnlyList<string> refs,
        Func<string, Task<string>> wanted,
        GitBounds bounds,
        string into,
        string reference,
        CancellationToken ct
    )
    {
        if (!RepositoryName().IsMatch(repository) || repository.Contains("..", StringComparison.Ordinal))
            throw Problem.Invalid("a repository of the forge must be '<owner>/<name>'");
        var core =
            token.Read()
            ?? throw Problem.Unavailable("Hive has no account on a forge; see 'hive forge' for the reason");
        var copy = Path.Combine(paths.DataDir, "tmp", "forge-" + Guid.NewGuid().ToString("N"));
        try
        {
            await GitProgram.Init(copy, bare: true, ct);
            var result = await git.Try(
                copy,
                [
                    "fetch",
                    "--quiet",
                    "--no-tags",
                    "--no-write-fetch-head",
                    "--no-recurse-submodules",
                    "--",
                    ForgeGit.Address(settings, repository),
                    .. refs,
                ],
                ct,
                ForgeGit.Call(settings) with
                {
                    MaxFileBytes = bounds.MaxBytes,
                }
            );
            if (result.ExitCode != 0)
                throw Refusal(result.Error, repository, bounds, core);
            return await quarantine.Fetch(
                copy,
                "",
                bounds with
                {
                    MayBeBare = true,
                },
                await wanted(copy),
                into,
                reference,
                ct
            );
        }
        finally
        {
            if (Directory.Exists(copy))
                Directory.Delete(copy, recursive: true);
        }
    }

    // Git tells these apart in words only, which are English with LC_ALL=C.
    private Problem Refusal(string error, string repository, GitBounds bounds, ForgeLogin core) =>
        error.Contains("couldn't find remote ref", StringComparison.Ordinal)
            ? Problem.NotFound($"{repository} on the forge does not have that branch")
        : RepositoryMissing().IsMatch(error)
            ? Problem.NotFound($"the forge has no repository {repository} that Hive's own account can read")
        : error.Contains("File too large", StringComparison.Ordinal) ? bounds.TooManyBytes()
        : Problem.Unavailable($"cannot fetch {repository} from the forge: {api.Clean(error, core)}");

    [GeneratedRegex("repository '[^']*' not found")]
    private static partial Regex RepositoryMissing();

    [GeneratedRegex(@"^[A-Za-z0-9][A-Za-z0-9._-]{0,99}/[A-Za-z0-9_][A-Za-z0-9._-]{0,99}\z")]
    private static partial Regex RepositoryName();

    [GeneratedRegex(@"^[A-Za-z0-9_][A-Za-z0-9._/-]{0,199}\z")]
    private static partial Regex BranchName();
}
