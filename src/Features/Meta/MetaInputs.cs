using System.Collections.Immutable;
using Hive.Common.Doors;
using Hive.Common.Errors;
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
    IAgentSpecs specs,
    IAgentLifecycle lifecycle,
    IRoster roster,
    IHostApplicationLifetime lifetime,
    ILogger<MetaInputs> log
) : IMetaInputs
{
    private int isRunning;
    private Task round = Task.CompletedTask;

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
    ) => await await Start(inputs, trailers, ct, progressOf);

    /// <summary>
    /// The first half of <see cref="Repin"/>: checks and fetches. The task that it returns updates the agents.
    /// </summary>
    public async Task<Task<Repinned>> Start(
        IReadOnlyCollection<string> inputs,
        string? trailers,
        CancellationToken ct,
        Func<string, IRebuildProgress>? progressOf = null
    )
    {
        if (Interlocked.Exchange(ref isRunning, 1) == 1)
            throw Problem.Conflict("inputs are being updated already; wait until no agent shows as 'rebuilding'");
        try
        {
            MustExist(inputs);
            Dictionary<LockedInput, (string Name, LockedInput Next)> moved = [];
            foreach (var (name, input, _) in LockFile.Nodes(swarm.Current).Where(n => inputs.Contains(n.Key)))
            {
                var next = await store.Resolve(name, input.Url, input.Ref, ct);
                if (next != input)
                    moved[input] = (name, next);
            }

            var updates = Task.Run(() => UpdateAgents(moved, trailers, progressOf), CancellationToken.None);
            round = updates;
            return updates;
        }
        catch
        {
            Volatile.Write(ref isRunning, 0);
            throw;
        }
    }

    private async Task<Repinned> UpdateAgents(
        Dictionary<LockedInput, (string Name, LockedInput Next)> moved,
        string? trailers,
        Func<string, IRebuildProgress>? progressOf
    )
    {
        try
        {
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
                        held => UpdateAgent(agent, moved, trailers, held, progressOf?.Invoke(agent)),
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

            return new Repinned([.. moved.Values.Select(m => m.Name)], updated, failed);
        }
        finally
        {
            Volatile.Write(ref isRunning, 0);
        }
    }

    private async Task UpdateAgent(
        string agent,
        Dictionary<LockedInput, (string Name, LockedInput Next)> moved,
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
            Inputs = now.Inputs.SetItems(changes.Select(i => KeyValuePair.Create(i.Key, moved[i.Value].Next))),
        };
        var runs = await lifecycle.IsMeantToRun(agent);
        var prepared = new PreparedLock(agent, next);
        await swarm.Apply(prepared);
        try
        {
            if (runs)
                await held.Rebuild(progress);
            var lines = changes.Select(i => $"{i.Key}: {i.Value.Rev[..12]} -> {moved[i.Value].Next.Rev[..12]}");
            var subject = $"update {string.Join(", ", changes.Select(i => i.Key))} of {agent}";
            var end = trailers is null ? "" : "\n\n" + trailers;
            await swarm.Commit(prepared, $"{subject}\n\n{string.Join('\n', lines)}{end}\n");
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

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not update the inputs {Inputs} of {Agent}; rolled back")]
    private static partial void LogUpdateFailed(ILogger logger, string agent, string inputs, Exception error);
}
