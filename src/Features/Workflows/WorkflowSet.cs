using System.Collections.Immutable;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;

namespace Hive.Features.Workflows;

/// <inheritdoc />
internal sealed class WorkflowSet(IStore store, TimeProvider clock) : IWorkflows, IHostedService
{
    private static readonly StringComparer Names = StringComparer.OrdinalIgnoreCase;

    private volatile State state = new(
        ImmutableSortedDictionary.Create<string, WorkflowView>(Names),
        ImmutableSortedDictionary.Create<string, PatternView>(Names)
    );

    public IReadOnlyList<WorkflowView> All => [.. state.Workflows.Values];

    public Workflow Default => state.Default;

    public IReadOnlyList<PatternView> Patterns => [.. state.Patterns.Values];

    public Workflow? Find(string name) => FindView(name)?.Spec;

    public Workflow Require(string? name) => name is null ? state.Default : RequireView(name).Spec;

    public Pattern RequirePattern(string name) => RequirePatternView(name).Spec;

    public WorkflowView? FindView(string name) => state.Workflows.GetValueOrDefault(name);

    public WorkflowView RequireView(string name) =>
        FindView(name) ?? throw NotFound("workflow", name, state.Workflows.Keys);

    public PatternView? FindPattern(string name) => state.Patterns.GetValueOrDefault(name);

    public PatternView RequirePatternView(string name) =>
        FindPattern(name) ?? throw NotFound("pattern", name, state.Patterns.Keys);

    /// <summary>Stores a workflow, and takes the mark of the default one from the others when it has it.</summary>
    public void Put(IWrite write, WorkflowView workflow)
    {
        var now = state.Workflows;
        if (workflow.IsDefault)
        {
            foreach (var other in now.Values.Where(w => w.IsDefault && !Names.Equals(w.Name, workflow.Name)))
            {
                var changed = other with { IsDefault = false };
                StoredWorkflows.Put(write, changed);
                now = now.SetItem(changed.Name, changed);
                write.Raise(new WorkflowChanged(changed));
            }
        }

        StoredWorkflows.Put(write, workflow);
        Replace(write, state with { Workflows = now.SetItem(workflow.Name, workflow) });
        write.Raise(new WorkflowChanged(workflow));
    }

    /// <summary>Removes a workflow.</summary>
    public void Remove(IWrite write, string name)
    {
        StoredWorkflows.Delete(write, name);
        Replace(write, state with { Workflows = state.Workflows.Remove(name) });
        write.Raise(new WorkflowRemoved(name));
    }

    /// <summary>Stores a pattern.</summary>
    public void Put(IWrite write, PatternView pattern)
    {
        StoredWorkflows.Put(write, pattern);
        Replace(write, state with { Patterns = state.Patterns.SetItem(pattern.Name, pattern) });
    }

    /// <summary>Removes a pattern.</summary>
    public void RemovePattern(IWrite write, string name)
    {
        StoredWorkflows.DeletePattern(write, name);
        Replace(write, state with { Patterns = state.Patterns.Remove(name) });
    }

    /// <summary>Loads what is stored; at the first start stores what is shipped.</summary>
    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (workflows, patterns) = await store.Read(
            db => (StoredWorkflows.Read(db), StoredWorkflows.ReadPatterns(db)),
            cancellationToken
        );
        state = new State(
            workflows.ToImmutableSortedDictionary(w => w.Name, w => w, Names),
            patterns.ToImmutableSortedDictionary(p => p.Name, p => p, Names)
        );
        // The default workflow cannot be removed, so none is stored at the first start alone.
        if (workflows.Count == 0)
            await store.Write(AddShipped, cancellationToken);
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private bool AddShipped(IWrite write)
    {
        var now = clock.GetUtcNow();
        var usual = Shipped.Workflow;
        Put(
            write,
            new WorkflowView(
                Name: usual.Name,
                Version: 1,
                Title: usual.Title,
                IsDefault: true,
                Spec: usual,
                LoadedBy: Shipped.Loader,
                LoadedAt: now
            )
        );
        foreach (var pattern in Shipped.Patterns)
            Put(write, new PatternView(Name: pattern.Name, Version: 1, Spec: pattern, LoadedAt: now));
        return true;
    }

    private void Replace(IWrite write, State next)
    {
        var before = state;
        state = next;
        write.OnRollback(() => state = before);
    }

    private static Problem NotFound(string noun, string name, IEnumerable<string> names)
    {
        var near = NearNames.Of(name, names);
        return Problem.NotFound(
            $"{noun} '{TextRules.CutCharacters(name, 100)}' not found; "
                + (
                    near.Length > 0
                        ? $"did you mean {string.Join(" or ", near)}?"
                        : $"existing: {string.Join(", ", names.Take(20).DefaultIfEmpty("none"))}"
                )
        );
    }

    private sealed record State(
        ImmutableSortedDictionary<string, WorkflowView> Workflows,
        ImmutableSortedDictionary<string, PatternView> Patterns
    )
    {
        public Workflow Default =>
            Workflows.Values.FirstOrDefault(w => w.IsDefault)?.Spec
            ?? throw Problem.Unavailable("the workflows are not loaded yet; try again");
    }
}
