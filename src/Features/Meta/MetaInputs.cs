using System.Collections.Immutable;
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
    private int underWay;
    private Task walk = Task.CompletedTask;

    /// <summary>The round that goes on now.</summary>
    public Task UnderWay => walk;

    public IReadOnlyList<MetaInput> All => swarm.Inputs;

    public void MustExist(IEnumerable<string> inputs)
    {
        swarm.MustHaveNoFault();
        var names = All.Select(i => i.Name).ToArray();
        foreach (var name in inputs.Where(n => !names.Contains(n)))
        {
            var near = NearNames.Of(name, names);
            var shown = name.Length <= 40 ? name : name[..40] + "…";
            throw Problem.NotFound(
                $"there is no input '{shown}'; {(near.Length > 0 ? $"did you mean {string.Join(" or ", near)}?" : $"there are: {(names.Length > 0 ? string.Join(", ", names.Take(20)) : "none")}")}"
            );
        }
    }

    public async Task<Repinned> Repin(IReadOnlyCollection<string> inputs, string? trailers, CancellationToken ct) =>
        await await Begin(inputs, trailers, ct);

    /// <summary>The first half of <see cref="Repin"/>, after which nothing is refused any more; the second goes on in
    /// the task that it returns.</summary>
    public async Task<Task<Repinned>> Begin(IReadOnlyCollection<string> inputs, string? trailers, CancellationToken ct)
    {
        if (Interlocked.Exchange(ref underWay, 1) == 1)
            throw Problem.Conflict(
                "inputs are being updated already; each agent shows as 'rebuilding' while its turn lasts"
            );
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

            var round = Task.Run(() => Walk(moved, trailers), CancellationToken.None);
            walk = round;
            return round;
        }
        catch
        {
            Volatile.Write(ref underWay, 0);
            throw;
        }
    }

    private async Task<Repinned> Walk(Dictionary<LockedInput, (string Name, LockedInput Next)> moved, string? trailers)
    {
        try
        {
            List<string> updated = [];
            Dictionary<string, string> failed = [];
            // The manager last: it is told of the others.
            foreach (var agent in roster.All.OrderBy(a => a.IsManager).Select(a => a.Name).ToArray())
            {
                // The agent that has been begun is finished, and no other is begun.
                lifetime.ApplicationStopping.ThrowIfCancellationRequested();
                if (swarm.Current.GetValueOrDefault(agent)?.Inputs.Values.Any(moved.ContainsKey) != true)
                    continue;
                try
                {
                    await lifecycle.Hold(
                        agent,
                        held => Move(agent, moved, trailers, held),
                        lifetime.ApplicationStopping
                    );
                    updated.Add(agent);
                }
                catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
                {
                    LogNotMoved(log, agent, string.Join(", ", moved.Values.Select(m => m.Name)), e);
                    failed[agent] = e is Problem ? e.Message : "it could not be rebuilt; the host's log says why";
                }
            }

            return new Repinned([.. moved.Values.Select(m => m.Name)], updated, failed);
        }
        finally
        {
            Volatile.Write(ref underWay, 0);
        }
    }

    private async Task Move(
        string agent,
        Dictionary<LockedInput, (string Name, LockedInput Next)> moved,
        string? trailers,
        IHeldAgent held
    )
    {
        // What the operator changed by hand counts as deployed, and comes first.
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
                await held.Rebuild();
            var lines = changes.Select(i => $"{i.Key}: {i.Value.Rev[..12]} -> {moved[i.Value].Next.Rev[..12]}");
            await swarm.Commit(
                prepared,
                $"update {string.Join(", ", changes.Select(i => i.Key))} of {agent}\n\n{string.Join('\n', lines)}{(trailers is null ? "" : "\n\n" + trailers)}\n"
            );
        }
        catch
        {
            await swarm.Restore(agent);
            if (runs)
                await held.RebuildAfterwards();
            throw;
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} stays on what it has of {Inputs}")]
    private static partial void LogNotMoved(ILogger logger, string agent, string inputs, Exception error);
}
