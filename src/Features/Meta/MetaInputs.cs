using System.Collections.Immutable;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Contracts;
using Hive.Features.Meta.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Meta;

/// <inheritdoc cref="IMetaInputs"/>
internal sealed partial class MetaInputs(
    SwarmLock swarm,
    InputStore store,
    InputUpdates updates,
    IAgentSpecs specs,
    IAgentLifecycle lifecycle,
    IRoster roster,
    IHostApplicationLifetime lifetime,
    ILogger<MetaInputs> log
) : IMetaInputs
{
    private int isRunning;
    private Task round = Task.CompletedTask;
    private Task recovered = Task.CompletedTask;

    /// <summary>Completes when the current round of updates has ended.</summary>
    public Task Round => round;

    public IReadOnlyList<MetaInput> All => swarm.Inputs;

    public void MustExist(IEnumerable<string> inputs)
    {
        swarm.MustHaveNoFault();
        var names = All.Select(i => i.Name).ToArray();
        foreach (var name in inputs.Where(n => !names.Contains(n)))
        {
            var near = NearNames.Of(name, names);
            var shown = TextRules.CutCharacters(name, 40);
            var advice =
                near.Length > 0 ? $"did you mean {string.Join(" or ", near)}?"
                : names.Length > 0 ? $"available: {string.Join(", ", names.Take(20))}"
                : "no inputs are locked";
            throw Problem.NotFound($"input '{shown}' not found; {advice}");
        }
    }

    public async Task<Repinned> Repin(
        IReadOnlyCollection<string> inputs,
        string? trailers,
        CancellationToken ct,
        Func<string, IRebuildProgress>? progressOf = null
    )
    {
        if (trailers is null)
            return await await Start(inputs, trailers, ct, progressOf);
        // An approval that a crash has interrupted must not fail because the operator's updates are carried on with.
        await ((Task)recovered.WaitAsync(ct)).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        ct.ThrowIfCancellationRequested();
        // An approval that an earlier host had begun to carry out.
        if ((await updates.All(ct)).FirstOrDefault(u => u.Trailers == trailers) is not { } left)
            return await await Start(inputs, trailers, ct, progressOf);
        if (!left.IsReadable)
            throw Problem.Unavailable("the stored update cannot be read; request it again");
        Begin();
        var continued = UntilDone(() => Continue(left, progressOf));
        round = continued;
        return await continued;
    }

    public void Resolved(IWrite write, string trailers) => InputUpdates.Remove(write, trailers);

    /// <summary>
    /// The first half of <see cref="Repin"/>: checks, fetches, and stores what will be done, so that a start carries on
    /// with it. The task that it returns updates the agents.
    /// </summary>
    public async Task<Task<Repinned>> Start(
        IReadOnlyCollection<string> inputs,
        string? trailers,
        CancellationToken ct,
        Func<string, IRebuildProgress>? progressOf = null
    )
    {
        Begin();
        try
        {
            MustExist(inputs);
            List<MovedInput> moved = [];
            foreach (var (name, input, _) in LockFile.Nodes(swarm.Current).Where(n => inputs.Contains(n.Key)))
            {
                var next = await store.Resolve(name, input.Url, input.Ref, ct);
                if (next != input)
                    moved.Add(new MovedInput(name, input, next));
            }

            var update = await updates.Add(moved, trailers);
            LogStep(log, "stored the update");
            var running = Task.Run(() => UntilDone(() => UpdateAgents(update, progressOf)), CancellationToken.None);
            round = running;
            return running;
        }
        catch
        {
            End();
            throw;
        }
    }

    /// <summary>
    /// Carries on with the updates of the operator that an earlier host had answered, once all agents have started.
    /// Until they are done no other one begins. Those of approvals are left to their approvals.
    /// </summary>
    public async Task Recover(CancellationToken ct)
    {
        var left = await updates.All(ct);
        // The sweep of unused revisions begins before the updates do.
        foreach (var moved in left.SelectMany(u => u.Moved))
            store.Keep(moved.To);
        // The newest first: an agent that it updates has no former revision of an older one.
        InputUpdate[] own = [.. left.Where(u => u.Trailers is null).Reverse()];
        if (own.Length == 0)
            return;
        Begin();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lifetime.ApplicationStarted.Register(started.SetResult);
        round = recovered = UntilDone(async () =>
        {
            await started.Task.WaitAsync(lifetime.ApplicationStopping);
            return await Continue(own);
        });
    }

    private void Begin()
    {
        if (Interlocked.Exchange(ref isRunning, 1) == 1)
            throw Problem.Conflict("inputs are being updated already; wait until no agent shows as 'rebuilding'");
    }

    private void End() => Volatile.Write(ref isRunning, 0);

    private async Task<T> UntilDone<T>(Func<Task<T>> work)
    {
        try
        {
            return await work();
        }
        finally
        {
            End();
        }
    }

    private async Task<int> Continue(InputUpdate[] own)
    {
        var done = 0;
        foreach (var update in own)
        {
            try
            {
                if (!update.IsReadable)
                    LogNotReadable(log, update.Id);
                await Continue(update, progressOf: null);
                done++;
            }
            catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                LogNotContinued(log, string.Join(", ", update.Moved.Select(m => m.Name)), e);
            }
        }

        return done;
    }

    private async Task<Repinned> Continue(InputUpdate update, Func<string, IRebuildProgress>? progressOf)
    {
        swarm.MustHaveNoFault();
        var used = swarm.Current.Values.SelectMany(a => a.Inputs.Values).ToHashSet();
        foreach (var moved in update.Moved.Where(m => used.Contains(m.From)))
            await store.Ensure(moved.Name, moved.To, lifetime.ApplicationStopping);
        return await UpdateAgents(update, progressOf);
    }

    private async Task<Repinned> UpdateAgents(InputUpdate update, Func<string, IRebuildProgress>? progressOf)
    {
        var moved = update.Moved.ToDictionary(m => m.From);
        List<string> updated = [];
        Dictionary<string, string> failed = [];
        // The manager last, because it gets messages about the others.
        foreach (var agent in roster.All.OrderBy(a => a.IsManager).Select(a => a.Name).ToArray())
        {
            // When the host stops, the current agent is finished and no further one is started.
            lifetime.ApplicationStopping.ThrowIfCancellationRequested();
            if (swarm.Current.GetValueOrDefault(agent)?.Inputs.Values.Any(moved.ContainsKey) != true)
                continue;
            try
            {
                await lifecycle.Hold(
                    agent,
                    held => UpdateAgent(agent, moved, update.Trailers, held, progressOf?.Invoke(agent)),
                    lifetime.ApplicationStopping
                );
                updated.Add(agent);
            }
            catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
            {
                LogUpdateFailed(log, agent, string.Join(", ", moved.Values.Select(m => m.Name)), e);
                failed[agent] = e is Problem ? e.Message : "the rebuild failed; see the host log";
            }
        }

        LogStep(log, "updated all agents");
        // That of an approval is removed in the write that resolves it.
        if (update.Trailers is null)
            await TryRemove(update);
        return new Repinned([.. moved.Values.Select(m => m.Name)], updated, failed);
    }

    // An update that stays stored is carried out again, and finds all agents updated.
    private async Task TryRemove(InputUpdate update)
    {
        try
        {
            await updates.Remove(update);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            LogNotRemoved(log, string.Join(", ", update.Moved.Select(m => m.Name)), e);
        }
    }

    private async Task UpdateAgent(
        string agent,
        Dictionary<LockedInput, MovedInput> moved,
        string? trailers,
        IHeldAgent held,
        IRebuildProgress? progress
    )
    {
        // Changes that the operator made by hand are committed first: they count as deployed.
        await specs.Seed(agent, roster.Require(agent).Runtime);
        if (swarm.Current.GetValueOrDefault(agent) is not { } now)
            return;
        var changes = now.Inputs.Where(i => moved.ContainsKey(i.Value)).ToArray();
        if (changes.Length == 0)
            return;
        var next = now with
        {
            Inputs = now.Inputs.SetItems(changes.Select(i => KeyValuePair.Create(i.Key, moved[i.Value].To))),
        };
        var runs = await lifecycle.IsMeantToRun(agent);
        var prepared = new PreparedLock(agent, next);
        await swarm.Apply(prepared);
        LogStep(log, "wrote the lock");
        try
        {
            if (runs)
                await held.Rebuild(progress);
            var lines = changes.Select(i => $"{i.Key}: {i.Value.Rev[..12]} -> {moved[i.Value].To.Rev[..12]}");
            var subject = $"update {string.Join(", ", changes.Select(i => i.Key))} of {agent}";
            var end = trailers is null ? "" : "\n\n" + trailers;
            await swarm.Commit(prepared, $"{subject}\n\n{string.Join('\n', lines)}{end}\n");
            LogStep(log, "committed the lock");
        }
        catch (Exception e)
        {
            progress?.Failed(e.Message);
            progress?.RollingBack();
            await swarm.Restore(agent);
            if (runs)
                await held.RebuildAfterwards();
            progress?.RolledBack();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Debug, Message = "update of inputs: {Step}")]
    private static partial void LogStep(ILogger logger, string step);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not carry on with the update of the inputs {Inputs}; the next start retries"
    )]
    private static partial void LogNotContinued(ILogger logger, string inputs, Exception error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the stored update {Id} of inputs cannot be read and is removed; update the inputs again"
    )]
    private static partial void LogNotReadable(ILogger logger, long id);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not store that the update of the inputs {Inputs} has ended; the next start checks it again"
    )]
    private static partial void LogNotRemoved(ILogger logger, string inputs, Exception error);

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not update the inputs {Inputs} of {Agent}; rolled back")]
    private static partial void LogUpdateFailed(ILogger logger, string agent, string inputs, Exception error);
}
