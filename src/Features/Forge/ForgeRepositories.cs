using System.Net;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Forge;

/// <summary>Creates Hive's repositories on the forge, and pushes the local ones to them.</summary>
internal sealed class ForgeRepositories(
    ForgeSettings settings,
    ForgeApi api,
    GitProgram git,
    AgentFolders folders,
    HivePaths paths
)
{
    private const string Main = "refs/heads/main";

    private readonly HashSet<string> there = [];

    // The owners that were checked, and whether each is an organisation.
    private readonly Dictionary<string, bool> owners = [];

    /// <summary>Creates the organisations that own the repositories, unless they exist.</summary>
    /// <exception cref="ForgeFault">One cannot be created.</exception>
    public async Task EnsureOrganisations(ForgeLogin core, CancellationToken ct)
    {
        there.Clear();
        owners.Clear();
        foreach (var name in new[] { ForgeNames.Core, ForgeNames.Agents })
        {
            var made = await api.Send(
                HttpMethod.Post,
                "orgs",
                core,
                new { username = name, visibility = "private" },
                ct
            );
            if (!made.IsSuccess && !made.IsTaken)
                throw made.Refusal($"create the organisation '{name}'");
            if (made.IsSuccess)
                owners[name] = true;
        }
    }

    /// <summary>Reads the refs of a local repository, one per line, and the commit of main; empty when there is nothing
    /// to push.</summary>
    public async Task<(string Refs, string? Head)> Measure(string? agent, CancellationToken ct)
    {
        var folder = FolderOf(agent);
        if (!Directory.Exists(Path.Combine(folder, ".git")))
            return ("", null);
        var refs = await git.Run(
            folder,
            ["for-each-ref", "--format=%(objectname) %(refname)", Main, "refs/tags"],
            ct,
            new GitCall { MaxOutputBytes = 16 << 20 }
        );
        return (
            refs,
            refs.Split('\n').FirstOrDefault(r => r.EndsWith(" " + Main, StringComparison.Ordinal))?.Split(' ')[0]
        );
    }

    /// <summary>Pushes main and all tags, and deletes other tags on the forge.</summary>
    /// <exception cref="ForgeFault">The push failed; the message says why.</exception>
    public async Task Push(string? agent, ForgeLogin core, CancellationToken ct)
    {
        var name = ForgeNames.RepositoryOf(agent);
        if (!there.Contains(name))
        {
            await Ensure(name, core, ct);
            there.Add(name);
        }

        var address = ForgeGit.Address(settings, name);
        GitResult result;
        try
        {
            result = await git.Try(
                FolderOf(agent),
                [
                    "push",
                    "--quiet",
                    "--force",
                    "--prune",
                    "--no-verify",
                    "--no-signed",
                    "--recurse-submodules=no",
                    "--end-of-options",
                    address,
                    $"{Main}:{Main}",
                    "refs/tags/*:refs/tags/*",
                ],
                ct,
                ForgeGit.Call(settings)
            );
        }
        catch (Problem e)
        {
            throw new ForgeFault(e.Message, FaultScope.One, inner: e);
        }

        if (result.ExitCode == 0)
            return;
        // The repository may have been removed there, or have another owner now; the next attempt checks that.
        there.Remove(name);
        owners.Clear();
        // The lines that name the refused ref and the reason; the others only repeat the address.
        var refused = result
            .Error.Split("; ")
            .Where(line => line.StartsWith("! ", StringComparison.Ordinal))
            .Select(line => line[2..])
            .ToArray();
        var said = api.Clean(refused.Length > 0 ? string.Join("; ", refused) : result.Error, core);
        throw new ForgeFault(said.Length > 0 ? said : $"git push ended with {result.ExitCode}", FaultScope.One);
    }

    private string FolderOf(string? agent) =>
        agent is null ? Path.Combine(paths.DataDir, "meta") : folders.Applied(agent);

    private async Task Ensure(string name, ForgeLogin core, CancellationToken ct)
    {
        var (owner, own) = (name.Split('/')[0], name.Split('/')[1]);
        if (!owners.TryGetValue(owner, out var isOrganisation))
            owners[owner] = isOrganisation = await IsOrganisation(owner, core, ct);
        var found = await api.Send(HttpMethod.Get, $"repos/{name}", core, null, ct);
        if (found.IsSuccess)
        {
            await RequirePrivate(name, found, core, ct);
            return;
        }

        if (found.Status != HttpStatusCode.NotFound)
            throw found.Refusal($"look up the repository {name}");
        var repository = new
        {
            name = own,
            @private = true,
            auto_init = false,
            default_branch = "main",
        };
        var made = await api.Send(
            HttpMethod.Post,
            isOrganisation ? $"orgs/{owner}/repos" : "user/repos",
            core,
            repository,
            ct
        );
        if (!made.IsSuccess && !made.IsTaken)
        {
            owners.Remove(owner);
            throw made.Refusal($"create the repository {name}");
        }
    }

    // Users and organisations share one namespace: if 'core' is a user, the organisation could not be created, and the
    // user owns the repository.
    private async Task<bool> IsOrganisation(string owner, ForgeLogin core, CancellationToken ct)
    {
        var found = await api.Send(HttpMethod.Get, $"orgs/{owner}", core, null, ct);
        if (owner == ForgeNames.Core && !found.IsSuccess)
            return false;
        if (found.Status == HttpStatusCode.NotFound)
            throw new ForgeFault(
                $"'{owner}' is not an organisation on the forge, and something else has its name; rename that",
                FaultScope.One
            );
        if (!found.IsSuccess)
            throw found.Refusal($"look up the organisation '{owner}'");
        // Anybody can have created it before. Members of its teams could read everything in it; site admins can in any
        // case.
        var members = (await api.Send(HttpMethod.Get, $"orgs/{owner}/members?limit=50", core, null, ct)).Accounts(
            $"list the members of the organisation '{owner}'"
        );
        var wrong =
            !members.Any(m => m.IsCalled(ForgeNames.Core)) ? $"'{ForgeNames.Core}' is not in it"
            : members.FirstOrDefault(m => !m.IsAdmin && !m.IsCalled(ForgeNames.Core)) is { } stranger
                ? $"'{stranger.Name}' is in it"
            : null;
        return wrong is null
            ? true
            : throw new ForgeFault(
                $"the organisation '{owner}' on the forge is not only Hive's: {wrong}; rename or remove it, and "
                    + $"Hive creates its own; or, if it is yours, remove everybody from its teams except "
                    + $"'{ForgeNames.Core}' and site admins",
                FaultScope.One
            );
    }

    private async Task RequirePrivate(string name, ForgeAnswer found, ForgeLogin core, CancellationToken ct)
    {
        if (!found.Is("private"))
        {
            var closed = await api.Send(HttpMethod.Patch, $"repos/{name}", core, new { @private = true }, ct);
            if (!closed.IsSuccess)
                throw closed.Refusal($"make the repository {name} private");
        }

        var concerned = name == ForgeNames.Meta ? Principals.Manager : name.Split('/')[1];
        var others = (await api.Send(HttpMethod.Get, $"repos/{name}/collaborators?limit=50", core, null, ct)).Accounts(
            $"list the collaborators of the repository {name}"
        );
        if (
            others.FirstOrDefault(o => !o.IsAdmin && !o.IsCalled(ForgeNames.Core) && !o.IsCalled(concerned)) is
            { } stranger
        )
        {
            throw new ForgeFault(
                $"'{stranger.Name}' is a collaborator of {name} on the forge, so nothing is pushed there; remove "
                    + "that collaborator (Settings → Collaborators), or remove the repository",
                FaultScope.One
            );
        }
    }
}
