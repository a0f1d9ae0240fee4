using System.Collections.Immutable;
using System.Globalization;
using Hive.Common.Errors;
using Hive.Common.Git;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>
/// The lock in memory and in <c>meta/</c>. What is committed there is true; what deploys under way have applied lies
/// over it, in memory and in the work tree, until they commit or restore it.
/// Whoever mends the repository by hand is heard: the commit it stands at is asked for before anything is done with it.
/// </summary>
internal sealed partial class SwarmLock(
    GitProgram git,
    ConfigRepositories repositories,
    InputStore inputs,
    NixFlake flake,
    IRoster roster,
    IStore store,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    HivePaths paths,
    ILogger<SwarmLock> log
) : ISwarmLock, IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private volatile State state = State.Empty;
    private bool loaded;
    private bool closed;

    private string Folder => Path.Combine(paths.DataDir, "meta");

    /// <summary>What agents are built from now: the committed lock, and over it what deploys under way have
    /// applied.</summary>
    public ImmutableSortedDictionary<string, LockedAgent> Current => state.Current;

    /// <summary>The inputs of the committed lock.</summary>
    public IReadOnlyList<MetaInput> Inputs =>
        [
            .. LockFile
                .Nodes(state.Committed)
                .Select(n => new MetaInput(n.Key, n.Input.Rev, n.Input.ModifiedAt, n.Agents, n.Input.Url)),
        ];

    /// <summary>What is wrong with the committed lock, with its cure; null when it can be read.</summary>
    public string? Fault => state.Fault;

    public string? Deployed(string agent) => state.Committed.GetValueOrDefault(agent)?.Commit;

    /// <summary>Reads the lock at start. What a host that was killed had applied and not committed is taken back; who
    /// knows that it was to be finished does it again.</summary>
    public async Task Load(CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
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
                // A full disk keeps no host from starting; what is committed can be read all the same.
                LogUntidy(log, Folder, e);
            }

            await Refresh();
            loaded = true;
        }
        finally
        {
            turn.Release();
        }
    }

    public Task Check(string agent, string commit, CancellationToken ct) => repositories.ReadAt(agent, commit, ct);

    public async Task<PreparedLock> Prepare(string agent, string commit, CancellationToken ct)
    {
        var config = await repositories.ReadAt(agent, commit, ct);
        await MustBeReadable();
        var modified = await git.Run(
            Path.Combine(paths.DataDir, "applied", agent),
            ["log", "-1", "--format=%ct", commit],
            ct
        );
        var locked = ImmutableSortedDictionary.CreateBuilder<string, LockedInput>(StringComparer.Ordinal);
        foreach (var (name, source) in config.Inputs)
        {
            if (Find(agent, name, source) is { } known)
            {
                await inputs.Ensure(name, known, ct);
                locked[name] = known;
            }
            else
            {
                locked[name] = await inputs.Resolve(name, source.Url, source.Ref, ct);
            }
        }

        return new PreparedLock(
            agent,
            new LockedAgent(
                commit,
                DateTimeOffset.FromUnixTimeSeconds(long.Parse(modified, CultureInfo.InvariantCulture)),
                locked.ToImmutable()
            )
        );
    }

    public Task Apply(PreparedLock prepared) =>
        Exclusively(async () =>
        {
            MustHaveNoFault();
            var next = state with { Applied = state.Applied.SetItem(prepared.Agent, prepared.Locked) };
            await WriteFiles(next);
            state = next;
        });

    public Task Commit(PreparedLock prepared, string message) =>
        Exclusively(async () =>
        {
            MustHaveNoFault();
            await CommitNow(prepared.Agent, state.Committed.SetItem(prepared.Agent, prepared.Locked), message);
            await Told([prepared.Agent]);
        });

    public Task Restore() =>
        Exclusively(() =>
        {
            state = state with { Applied = ImmutableSortedDictionary<string, LockedAgent>.Empty };
            return Tidy(state);
        });

    public Task Restore(string agent) =>
        Exclusively(() =>
        {
            state = state with { Applied = state.Applied.Remove(agent) };
            // It is taken back, whatever lies in the folder: the agent is to be rebuilt on it.
            return Tidy(state);
        });

    public async Task<bool> IsCommitted(long approvalId)
    {
        var id = approvalId.ToString(CultureInfo.InvariantCulture);
        if (await git.Head(Folder, CancellationToken.None) is null)
            return false;
        // Only the last paragraph of a message holds trailers: what somebody wrote into a description does not count.
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

    public Task Forget(string agent, CancellationToken ct) =>
        Exclusively(async () =>
        {
            // It may have been revived meanwhile.
            if (state.Fault is not null || roster.Find(agent) is not null || !state.Committed.ContainsKey(agent))
                return;
            await CommitNow(agent, state.Committed.Remove(agent), $"forget {agent}");
            await Told([agent]);
        });

    /// <summary>Locks what is applied for an agent, unless it is locked: a new one, one of an earlier Hive, or one
    /// whose configuration the operator changed by hand.</summary>
    public async Task EnsureLocked(string agent, CancellationToken ct)
    {
        var head = await repositories.Head(agent, ct);
        // What is under way with the lock comes first.
        await Exclusively(() => Task.CompletedTask);
        var now = state.Current.GetValueOrDefault(agent);
        if (state.Fault is not null)
            return;
        if (now?.Commit == head)
        {
            foreach (var (name, input) in now.Inputs)
                await inputs.Ensure(name, input, ct);
            return;
        }

        var prepared = await Prepare(agent, head, ct);
        await Commit(
            prepared,
            $"deploy {agent} {(now is null ? await repositories.LastDeployed(agent, head, ct) : null) ?? "by hand"} {head[..12]}"
        );
    }

    /// <summary>Sees to it that every locked input is on disk, and removes those that nothing names any more.</summary>
    public async Task KeepInputs(CancellationToken ct)
    {
        if (state.Fault is not null)
            return;
        foreach (var (name, input) in state.Current.Values.SelectMany(a => a.Inputs))
        {
            try
            {
                await inputs.Ensure(name, input, ct);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
            {
                LogNotHere(log, name, e);
            }
        }

        await Sweep(state.Committed);
    }

    /// <summary>Waits for what is under way and lets nothing begin any more: the data folder is about to be another
    /// host's.</summary>
    public async Task Close(CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        closed = true;
        turn.Release();
    }

    public void Dispose() => turn.Dispose();

    // An input that this agent or another has locked already, from the same place and following the same: the swarm
    // agrees on one revision.
    private LockedInput? Find(string agent, string name, InputSource source)
    {
        var now = state.Current;
        var own = now.GetValueOrDefault(agent)?.Inputs.GetValueOrDefault(name);
        return new[] { own }
            .Concat(LockFile.Nodes(now).Select(n => (LockedInput?)n.Input))
            .FirstOrDefault(i => i is not null && i.Url == source.Url && i.Ref == source.Ref);
    }

    private Task MustBeReadable() =>
        Exclusively(() =>
        {
            MustHaveNoFault();
            return Task.CompletedTask;
        });

    /// <summary>Refuses to go on with a lock that cannot be read.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the cure.</exception>
    public void MustHaveNoFault()
    {
        if (state.Fault is { } fault)
            throw Problem.Conflict(fault);
    }

    private async Task Exclusively(Func<Task> work)
    {
        await turn.WaitAsync();
        // Who asked for the turn may be the one who publishes events; programs are started elsewhere.
        await Task.Yield();
        try
        {
            if (closed)
                throw Problem.Unavailable("the host is stopping; try again when it runs");
            await Refresh();
            await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"the swarm's lock cannot be written: {e.Message}", e);
        }
        finally
        {
            turn.Release();
        }
    }

    // The committed lock, read anew when somebody has moved it.
    private async Task Refresh()
    {
        var commit = await git.Head(Folder, CancellationToken.None) ?? "";
        if (commit == state.Head)
            return;
        var (committed, fault) = (ImmutableSortedDictionary<string, LockedAgent>.Empty, (string?)null);
        if (commit.Length > 0)
        {
            var file = await git.Try(
                Folder,
                ["cat-file", "blob", $"{commit}:{LockFile.FileName}"],
                CancellationToken.None,
                new GitCall { MaxOutputBytes = 64 << 20 }
            );
            try
            {
                committed = file is { ExitCode: 0, Truncated: false }
                    ? LockFile.Read(file.Text)
                    : throw new FormatException("the file is not in the last commit");
            }
            catch (FormatException e)
            {
                fault =
                    $"{Path.Combine(Folder, LockFile.FileName)} as it is committed cannot be read: {e.Message}. Put an earlier one back: `git -C {Folder} log`, then "
                    + $"`git -C {Folder} checkout <commit> -- {LockFile.FileName}` and `git -C {Folder} commit`. Agents go on running meanwhile; nothing is deployed";
                LogBroken(log, fault);
            }
        }

        var before = state;
        state = state with { Committed = committed, Fault = fault, Head = commit };
        // Somebody has moved it by hand.
        if (loaded && LockFile.Write(before.Committed) != LockFile.Write(committed))
            _ = Told([.. before.Committed.Keys.Union(committed.Keys)]);
    }

    private async Task CommitNow(string agent, ImmutableSortedDictionary<string, LockedAgent> next, string message)
    {
        var before = state;
        try
        {
            await File.WriteAllTextAsync(Path.Combine(Folder, LockFile.FileName), LockFile.Write(next));
            var wasFlake = File.Exists(Path.Combine(Folder, NixFlake.FileName));
            var isFlake = await flake.Write(Folder, next);
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
        catch
        {
            await Tidy(before);
            throw;
        }

        // From here on it is deployed, whatever comes of the rest.
        state = new State(next, before.Applied.Remove(agent), await HeadOrNothing(), null);
        if (!state.Applied.IsEmpty)
            await Tidy(state);
        // The last lock's too: who still runs on it has it mounted.
        await Sweep(before.Committed);
    }

    // Where it cannot be said, the lock is read anew when it is needed next.
    private async Task<string> HeadOrNothing()
    {
        try
        {
            return await git.Head(Folder, CancellationToken.None) ?? "";
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }

    private async Task Tidy(State now)
    {
        try
        {
            // What was staged and not committed.
            if (!now.Applied.IsEmpty)
                await git.Run(Folder, ["reset", "--quiet", "--hard"], CancellationToken.None);
            await WriteFiles(now);
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            LogUntidy(log, Folder, e);
        }
    }

    private async Task Sweep(ImmutableSortedDictionary<string, LockedAgent> before)
    {
        try
        {
            await inputs.Sweep(
                [.. before.Values.Concat(state.Current.Values).SelectMany(a => a.Inputs.Values)],
                CancellationToken.None
            );
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            LogNotSwept(log, e);
        }
    }

    // The files are for people and for nix; what is committed and what lies in memory counts.
    private async Task WriteFiles(State next)
    {
        if (next.Applied.IsEmpty)
        {
            await git.Run(Folder, ["reset", "--quiet", "--hard"], CancellationToken.None);
            if (File.Exists(Path.Combine(Folder, NixFlake.FileName)))
                await git.Run(
                    Folder,
                    ["clean", "--quiet", "--force", "--", NixFlake.FileName, NixFlake.LockName],
                    CancellationToken.None
                );
        }
        else
        {
            // Whole or not at all: who looks at it never sees half a file.
            var made = Path.Combine(Folder, ".git", LockFile.FileName + ".new");
            await File.WriteAllTextAsync(made, LockFile.Write(next.Current));
            await flake.Write(Folder, next.Current);
            File.Move(made, Path.Combine(Folder, LockFile.FileName), overwrite: true);
        }
    }

    private async Task Told(string[] agents) =>
        await Task.WhenAny(
            store.WriteUntilStored(
                write =>
                {
                    write.Raise(new MetaInputsChanged(Inputs));
                    foreach (var agent in agents)
                        write.Raise(new DeployedChanged(agent));
                },
                clock,
                lifetime.ApplicationStopping
            ),
            Task.Delay(TimeSpan.FromSeconds(5), clock)
        );

    [LoggerMessage(Level = LogLevel.Error, Message = "{Fault}")]
    private static partial void LogBroken(ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Error, Message = "the input {Name} is locked and not here")]
    private static partial void LogNotHere(ILogger logger, string name, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the files in {Folder} are not those of the lock; the next deploy tries again"
    )]
    private static partial void LogUntidy(ILogger logger, string folder, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "old inputs could not be removed; the next deploy tries again")]
    private static partial void LogNotSwept(ILogger logger, Exception error);

    /// <param name="Committed">What is committed.</param>
    /// <param name="Applied">What deploys under way lay over it.</param>
    /// <param name="Head">The commit it was read from; empty when there is none.</param>
    /// <param name="Fault">Why it cannot be read.</param>
    private sealed record State(
        ImmutableSortedDictionary<string, LockedAgent> Committed,
        ImmutableSortedDictionary<string, LockedAgent> Applied,
        string Head,
        string? Fault
    )
    {
        public static State Empty { get; } =
            new(
                ImmutableSortedDictionary<string, LockedAgent>.Empty,
                ImmutableSortedDictionary<string, LockedAgent>.Empty,
                "",
                null
            );

        public ImmutableSortedDictionary<string, LockedAgent> Current => Committed.SetItems(Applied);
    }
}
