using System.Globalization;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Checks what no part of a workflow shows alone: references, ways and cycles.</summary>
internal sealed class WorkflowRules(Workflow workflow, WorkflowMarks marks, YamlFaults faults)
{
    /// <summary>The placeholders of titles, descriptions and locks.</summary>
    public static readonly string[] Placeholders =
    [
        "ticket_title",
        "ticket_priority",
        "ticket_id",
        "ticket_repository",
    ];

    private readonly Dictionary<string, Phase> phases = workflow.Phases.ToDictionary(p => p.Id);
    private readonly Dictionary<string, BoardColumn> columns = workflow.BoardColumns.ToDictionary(c => c.Id);

    public void Check()
    {
        References();
        Columns();
        if (faults.Any)
            return;
        Next();
        OnFail();
        Ends();
        Overlay();
        if (faults.Any)
            return;
        Ways();
        Automatic();
        Templates();
        Produced();
    }

    private void References()
    {
        foreach (var (_, to, at) in marks.Transitions)
            MustBePhase(to, at, "the transition");
        foreach (var phase in workflow.Phases)
        {
            if (phase.Next is { } next && marks.Next.TryGetValue(phase.Id, out var nextAt))
                MustBePhase(next, nextAt, "'next'");
            if (phase.Gate?.OnFail is { } onFail && marks.OnFail.TryGetValue(phase.Id, out var failAt))
                MustBePhase(onFail, failAt, "'on_fail'");
        }

        foreach (var (_, phase, at) in marks.Mapping)
            MustBePhase(phase, at, "the mapping");
        foreach (var column in workflow.BoardColumns)
        {
            if (column.AutoTransitionTo is { } to && !columns.ContainsKey(to))
                faults.Add(
                    marks.Auto[column.Id],
                    $"'auto_transition_to' leads to '{YamlSection.Shown(to)}', which is not a column; "
                        + Near(to, columns.Keys)
                );
        }

        foreach (var (phaseId, type, on, at) in marks.Depends)
        {
            if (!phases.TryGetValue(phaseId, out var phase))
                continue;
            string[] types = [.. phase.Tasks.Select(t => t.Type)];
            if (!types.Contains(on))
                faults.Add(
                    at,
                    $"'{type}' depends on '{YamlSection.Shown(on)}', which is not a task of the phase; "
                        + Near(on, types)
                );
        }
    }

    private void MustBePhase(string id, YamlMark at, string what)
    {
        if (!phases.ContainsKey(id))
            faults.Add(
                at,
                $"{what} leads to '{YamlSection.Shown(id)}', which is not a phase; " + Near(id, phases.Keys)
            );
    }

    private static string Near(string given, IReadOnlyCollection<string> names)
    {
        var near = NearNames.Of(given, names);
        return near.Length > 0
            ? $"did you mean {string.Join(" or ", near)}?"
            : $"available: {string.Join(", ", names)}";
    }

    private void Columns()
    {
        foreach (var places in marks.Mapping.GroupBy(m => m.Phase).Where(g => g.Count() > 1))
        {
            var first = places.First();
            foreach (var (column, phase, at) in places.Skip(1))
                faults.Add(
                    at,
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{phase} is in two columns, '{first.Column}' (line {first.At.Line}) and '{column}'; "
                    ) + "remove it from one"
                );
        }

        foreach (var column in workflow.BoardColumns)
        {
            if (column.PhaseMapping.Count > 1 && column.PhaseMapping.Contains(Phase.BlockedId))
                faults.Add(
                    marks.Columns.GetValueOrDefault(column.Id, new YamlMark(1, 1)),
                    $"{Phase.BlockedId} shows blocked tickets, and needs a column of its own"
                );
        }

        var mapped = workflow.BoardColumns.SelectMany(c => c.PhaseMapping).ToHashSet();
        foreach (var phase in workflow.Phases.Where(p => p.Id != Phase.BlockedId && !mapped.Contains(p.Id)))
            faults.Add(At(phase), $"{phase.Id} is not in a column; add it to the 'phase_mapping' of one");
    }

    private void Next()
    {
        foreach (var phase in workflow.Phases.Where(p => p.Next is not null))
        {
            if (!phase.AllowedTransitions.Contains(phase.Next!))
                faults.Add(
                    marks.Next.GetValueOrDefault(phase.Id, At(phase)),
                    $"'next' of {phase.Id} is {phase.Next}, which is not in its 'allowed_transitions'"
                );
        }
    }

    private void OnFail()
    {
        for (var at = 0; at < workflow.Phases.Count; at++)
        {
            var phase = workflow.Phases[at];
            if (phase.Gate?.OnFail is not { } back || back == Phase.BlockedId)
                continue;
            var mark = marks.OnFail.GetValueOrDefault(phase.Id, At(phase));
            if (!phase.AllowedTransitions.Contains(back))
                faults.Add(mark, $"'on_fail' of {phase.Id} is {back}, which is not in its 'allowed_transitions'");
            else if (!workflow.Phases.Take(at).Any(p => p.Id == back))
                faults.Add(
                    mark,
                    $"'on_fail' of {phase.Id} is {back}, which does not come before it; name one that does"
                );
        }
    }

    // A ticket has ended in a phase that is both.
    private void Ends()
    {
        foreach (var phase in Places().Where(p => p.Terminal != (p.Status == PhaseStatus.Done)))
            faults.Add(
                marks.Status.GetValueOrDefault(phase.Id, At(phase)),
                phase.Terminal
                    ? $"{phase.Id} is terminal, so its status is done; leave 'status' out"
                    : $"the status of {phase.Id} is done, and it is not terminal; add 'terminal: true'"
            );
    }

    // Where a ticket goes by itself must be a place; the overlay is not one.
    private void Overlay()
    {
        foreach (var phase in workflow.Phases)
        {
            if (AutomaticTarget(phase) == Phase.BlockedId || phase.Gate?.OnFail == Phase.BlockedId)
                faults.Add(
                    At(phase),
                    $"{phase.Id} leads to {Phase.BlockedId} by itself; a ticket is blocked with a reason instead"
                );
        }

        if (workflow.Phases[0].Id == Phase.BlockedId)
            faults.Add(
                At(workflow.Phases[0]),
                $"there is no phase to begin with: {Phase.BlockedId} is not a place; put another phase first"
            );
    }

    private void Ways()
    {
        var first = workflow.Phases[0];
        if (!workflow.Phases.Any(p => p.Terminal && p.Id != Phase.BlockedId))
            faults.Add(At(first), "there is no terminal phase; mark the last one with 'terminal: true'");
        foreach (var phase in Places().Where(p => !p.Terminal && !Targets(p).Any()))
            faults.Add(
                At(phase),
                $"{phase.Id} leads nowhere; give it 'allowed_transitions', or mark it with 'terminal: true'"
            );
        HashSet<string> reached = [first.Id];
        var open = new Queue<Phase>([first]);
        while (open.TryDequeue(out var phase))
        {
            foreach (var target in Targets(phase).Where(reached.Add))
                open.Enqueue(phases[target]);
        }

        foreach (var phase in Places().Where(p => !reached.Contains(p.Id)))
            faults.Add(At(phase), $"no path from {first.Id}, the first phase, reaches {phase.Id}");
    }

    // Blocked tickets keep their phase: the overlay is neither on the way nor an end of it.
    private IEnumerable<Phase> Places() => workflow.Phases.Where(p => p.Id != Phase.BlockedId);

    private IEnumerable<string> Targets(Phase phase) =>
        phase
            .AllowedTransitions.Append(AutomaticTarget(phase)!)
            .Where(t => t is not null and not Phase.BlockedId && t != phase.Id);

    // Where a ticket goes by itself once its gate has passed.
    private string? AutomaticTarget(Phase phase) =>
        phase.Next
        ?? (
            ColumnOf(phase)?.AutoTransitionTo is { } to && columns.TryGetValue(to, out var column)
                ? column.PhaseMapping[0]
                : null
        );

    private BoardColumn? ColumnOf(Phase phase) =>
        workflow.BoardColumns.FirstOrDefault(c => c.PhaseMapping.Contains(phase.Id));

    private void Automatic()
    {
        foreach (var phase in Places().Where(p => p.Terminal))
        {
            if (phase.Next is not null)
                faults.Add(
                    marks.Next.GetValueOrDefault(phase.Id, At(phase)),
                    $"{phase.Id} is terminal, so nothing moves on from it; leave 'next' out"
                );
            else if (ColumnOf(phase) is { AutoTransitionTo: not null } column)
                faults.Add(
                    marks.Auto[column.Id],
                    $"{phase.Id} in this column is terminal; leave 'auto_transition_to' out"
                );
        }

        foreach (var phase in Places().Where(p => !p.Terminal && p.Next is null))
        {
            if (AutomaticTarget(phase) is { } to && to != phase.Id && !phase.AllowedTransitions.Contains(to))
                faults.Add(
                    marks.Auto[ColumnOf(phase)!.Id],
                    $"'auto_transition_to' leads from {phase.Id} to {to}, which is not in its 'allowed_transitions'"
                );
        }

        HashSet<string> done = [];
        foreach (var start in Places())
        {
            List<string> path = [];
            for (string? at = start.Id; at is not null && !done.Contains(at); at = AutomaticTarget(phases[at]))
            {
                if (path.IndexOf(at) is var from and >= 0)
                {
                    faults.Add(
                        At(phases[path[from]]),
                        $"tickets would move in a circle by themselves: {string.Join(" → ", [.. path.Skip(from), at])}"
                    );
                    break;
                }

                path.Add(at);
            }

            done.UnionWith(path);
        }
    }

    private void Templates()
    {
        foreach (var phase in workflow.Phases)
        {
            if (Circle(phase.Tasks.ToDictionary(t => t.Type, t => t.DependsOn)) is { } path)
                faults.Add(
                    marks
                        .Depends.Where(d => d.Phase == phase.Id && d.Type == path[0] && d.On == path[1])
                        .Select(d => d.At)
                        .FirstOrDefault(At(phase)),
                    $"the tasks of {phase.Id} depend on each other in a circle: {string.Join(" → ", path)}"
                );
        }
    }

    /// <summary>A path from a name back to itself; null when there is none.</summary>
    internal static IReadOnlyList<string>? Circle(IReadOnlyDictionary<string, IReadOnlyList<string>> edges)
    {
        HashSet<string> done = [];
        List<string> path = [];
        foreach (var start in edges.Keys)
        {
            if (Walk(start) is { } found)
                return found;
        }

        return null;

        // As deep as there are names: at most a phase's templates.
        string[]? Walk(string name)
        {
            if (path.IndexOf(name) is var from and >= 0)
                return [.. path.Skip(from), name];
            if (!done.Add(name))
                return null;
            path.Add(name);
            foreach (var next in edges[name])
            {
                if (Walk(next) is { } found)
                    return found;
            }

            path.RemoveAt(path.Count - 1);
            return null;
        }
    }

    private void Produced()
    {
        foreach (var (phaseId, type, at) in marks.Artifacts)
        {
            var produced = workflow
                .Phases.TakeWhile(p => p.Id != phaseId)
                .Append(phases[phaseId])
                .SelectMany(p => p.ExpectedOutputs.Concat(p.Tasks.SelectMany(t => t.ExpectedOutputs)));
            if (!produced.Any(o => o.Type == type))
                faults.Warn(
                    at,
                    $"no expected output of {phaseId}, an earlier phase or their tasks is '{YamlSection.Shown(type)}'; "
                        + "agents are not told to leave one"
                );
        }
    }

    private YamlMark At(Phase phase) => marks.Phases.GetValueOrDefault(phase.Id, new YamlMark(1, 1));
}
