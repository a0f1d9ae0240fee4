using System.Collections.Immutable;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Meta.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <summary>
/// Keeps the swarm's lock in memory and in <c>meta/</c>. The committed lock is authoritative; entries that deploys
/// under way have applied overlay it, in memory and in the files, until they are committed or restored. The last commit
/// is checked before each change, so that commits made by hand count.
/// </summary>
internal sealed partial class SwarmLock(
    MetaRepository repository,
    ConfigReader configs,
    InputStore inputs,
    IRoster roster,
    IStore store,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<SwarmLock> log
) : ISwarmLock, IDisposable
{
    private readonly SemaphoreSlim turn = new(1, 1);
    private volatile State state = State.Empty;
    private bool loaded;
    private bool closed;

    /// <summary>
    /// The lock that agents are built from: the committed one, overlaid with entries that deploys under way have
    /// applied.
    /// </summary>
    public ImmutableSortedDictionary<string, LockedAgent> Current => state.Current;

    /// <summary>The inputs of the committed lock.</summary>
    public IReadOnlyList<MetaInput> Inputs =>
        [
            .. LockFile
                .Nodes(state.Committed)
                .Select(n => new MetaInput(n.Key, n.Input.Rev, n.Input.ModifiedAt, n.Agents, n.Input.Url)),
        ];

    /// <summary>Why the committed lock cannot be read, with the fix; null when it can.</summary>
    public string? Fault => state.Fault;

    public string? Deployed(string agent) => state.Committed.GetValueOrDefault(agent)?.Commit;

    /// <summary>
    /// Reads the lock at start. Entries that a killed host had applied but not committed are dropped; recovered
    /// approvals apply theirs again.
    /// </summary>
    public async Task Load(CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        try
        {
            await repository.Open(ct);
            await Refresh();
            loaded = true;
        }
        finally
        {
            turn.Release();
        }
    }

    public Task Check(string agent, string commit, CancellationToken ct) => configs.ReadAt(agent, commit, ct);

    public async Task<PreparedLock> Prepare(string agent, string commit, CancellationToken ct)
    {
        var config = await configs.ReadAt(agent, commit, ct);
        await MustBeReadable();
        var modifiedAt = await configs.CommittedAt(agent, commit, ct);
        var locked = ImmutableSortedDictionary.CreateBuilder<string, LockedInput>(StringComparer.Ordinal);
        foreach (var (name, source) in config.Inputs)
        {
            if (FindLocked(agent, name, source) is { } known)
            {
                await inputs.Ensure(name, known, ct);
                locked[name] = known;
            }
            else
            {
                locked[name] = await inputs.Resolve(name, source.Url, source.Ref, ct);
            }
        }

        return new PreparedLock(agent, new LockedAgent(commit, modifiedAt, locked.ToImmutable()));
    }

    public Task Apply(PreparedLock prepared) =>
        RunExclusively(async () =>
        {
            MustHaveNoFault();
            var next = state with { Applied = state.Applied.SetItem(prepared.Agent, prepared.Locked) };
            await repository.WriteFiles(next.Overlaid);
            state = next;
        });

    public Task Commit(PreparedLock prepared, string message) =>
        RunExclusively(async () =>
        {
            MustHaveNoFault();
            await CommitNow(prepared.Agent, state.Committed.SetItem(prepared.Agent, prepared.Locked), message);
            await Publish([prepared.Agent]);
        });

    public Task Restore() =>
        RunExclusively(() =>
        {
            state = state with { Applied = ImmutableSortedDictionary<string, LockedAgent>.Empty };
            return repository.TryRestoreFiles(state.Overlaid);
        });

    public Task Restore(string agent) =>
        RunExclusively(() =>
        {
            state = state with { Applied = state.Applied.Remove(agent) };
            // Never fails, because the agent is about to be rebuilt on the restored lock.
            return repository.TryRestoreFiles(state.Overlaid);
        });

    public Task<bool> IsCommitted(long approvalId) => repository.HasApproval(approvalId);

    public Task Forget(string agent, CancellationToken ct) =>
        RunExclusively(async () =>
        {
            // The agent may have been revived in the meantime.
            if (state.Fault is not null || roster.Find(agent) is not null || !state.Committed.ContainsKey(agent))
                return;
            await CommitNow(agent, state.Committed.Remove(agent), $"forget {agent}");
            await Publish([agent]);
        });

    /// <summary>Removes a destroyed agent from the lock. A failure is logged; the next start retries.</summary>
    public async Task TryForget(string agent, CancellationToken ct)
    {
        try
        {
            await Forget(agent, ct);
        }
        catch (Exception e)
        {
            LogForgetFailed(log, agent, e);
        }
    }

    /// <summary>Locks the applied configuration of an agent, unless it is locked already: for new agents, agents of an
    /// earlier Hive, and configurations that the operator changed by hand.</summary>
    public async Task EnsureLocked(string agent, CancellationToken ct)
    {
        var head = await configs.Head(agent, ct);
        // Waits for changes of the lock that are under way.
        await RunExclusively(() => Task.CompletedTask);
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
        var tag = now is null ? await configs.LastDeployed(agent, head, ct) : null;
        await Commit(prepared, $"deploy {agent} {tag ?? "by hand"} {head[..12]}");
    }

    /// <summary>Fetches locked inputs that are missing on disk, and removes unused ones.</summary>
    public async Task EnsureInputs(CancellationToken ct)
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
                LogInputMissing(log, name, e);
            }
        }

        await Sweep(state.Committed);
    }

    /// <summary>
    /// Waits for the change that is under way and refuses further ones: another host may be about to use the data
    /// folder.
    /// </summary>
    public async Task Close(CancellationToken ct)
    {
        await turn.WaitAsync(ct);
        closed = true;
        turn.Release();
    }

    public void Dispose() => turn.Dispose();

    // The revision that this agent or another has locked for the same url and ref, so that the swarm agrees on one.
    private LockedInput? FindLocked(string agent, string name, InputSource source)
    {
        var now = state.Current;
        var own = now.GetValueOrDefault(agent)?.Inputs.GetValueOrDefault(name);
        return new[] { own }
            .Concat(LockFile.Nodes(now).Select(n => (LockedInput?)n.Input))
            .FirstOrDefault(i => i is not null && i.Url == source.Url && i.Ref == source.Ref);
    }

    private Task MustBeReadable() =>
        RunExclusively(() =>
        {
            MustHaveNoFault();
            return Task.CompletedTask;
        });

    /// <summary>Throws when the committed lock cannot be read.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the fix.</exception>
    public void MustHaveNoFault()
    {
        if (state.Fault is { } fault)
            throw Problem.Conflict(fault);
    }

    private async Task RunExclusively(Func<Task> work)
    {
        await turn.WaitAsync();
        // The caller may be the thread that publishes events; programs must not be started on it.
        await Task.Yield();
        try
        {
            if (closed)
                throw Problem.Unavailable("the host is stopping; retry when it runs again");
            await Refresh();
            await work();
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw Problem.Unavailable($"cannot write the swarm's lock: {e.Message}", e);
        }
        finally
        {
            turn.Release();
        }
    }

    // Reads the committed lock again when its commit has changed.
    private async Task Refresh()
    {
        var commit = await repository.Head() ?? "";
        if (commit == state.Head)
            return;
        var (committed, fault) = (ImmutableSortedDictionary<string, LockedAgent>.Empty, (string?)null);
        if (commit.Length > 0)
        {
            try
            {
                committed = await repository.Read(commit);
            }
            catch (FormatException e)
            {
                fault = e.Message;
                LogUnreadable(log, fault);
            }
        }

        var before = state;
        state = state with { Committed = committed, Fault = fault, Head = commit };
        // After the start, only a commit made by hand gets here.
        if (loaded && LockFile.Write(before.Committed) != LockFile.Write(committed))
            _ = Publish([.. before.Committed.Keys.Union(committed.Keys)]);
    }

    private async Task CommitNow(string agent, ImmutableSortedDictionary<string, LockedAgent> next, string message)
    {
        var before = state;
        try
        {
            await repository.Commit(next, message);
        }
        catch
        {
            await repository.TryRestoreFiles(before.Overlaid);
            throw;
        }

        // From here on the entry is deployed, even if a later step fails.
        state = new State(next, before.Applied.Remove(agent), await TryHead(), null);
        if (state.Overlaid is not null)
            await repository.TryRestoreFiles(state.Overlaid);
        // Inputs of the previous lock are kept too, because agents that still run on them have them mounted.
        await Sweep(before.Committed);
    }

    // Empty when it cannot be read; then the next change reads the lock again.
    private async Task<string> TryHead()
    {
        try
        {
            return await repository.Head() ?? "";
        }
        catch (Exception e) when (e is Problem or IOException or UnauthorizedAccessException)
        {
            return "";
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
            LogSweepFailed(log, e);
        }
    }

    private async Task Publish(string[] agents) =>
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
    private static partial void LogUnreadable(ILogger logger, string fault);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not remove {Agent}, which was destroyed, from the swarm's lock; the next start retries"
    )]
    private static partial void LogForgetFailed(ILogger logger, string agent, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "the locked revision of input {Name} is missing on disk and cannot be fetched"
    )]
    private static partial void LogInputMissing(ILogger logger, string name, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not remove unused inputs; the next deploy retries")]
    private static partial void LogSweepFailed(ILogger logger, Exception error);

    /// <param name="Committed">The committed lock.</param>
    /// <param name="Applied">The entries that deploys under way have applied.</param>
    /// <param name="Head">The commit that the lock was read from; empty when there is none.</param>
    /// <param name="Fault">Why the committed lock cannot be read; null when it can.</param>
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

        /// <summary>The current lock when it differs from the committed one; else null.</summary>
        public ImmutableSortedDictionary<string, LockedAgent>? Overlaid => Applied.IsEmpty ? null : Current;
    }
}
