using Hive.Common.Errors;

namespace Hive.Features.Tasks;

/// <summary>Finds the cycle that an edge would close.</summary>
internal static class Cycles
{
    /// <summary>The path from a task over the new edge and back to it; null when there is none. Visits each task once,
    /// and does not recurse.</summary>
    /// <param name="edges">What waits, and for what.</param>
    /// <param name="task">The task that would wait.</param>
    /// <param name="on">The task that it would wait for; itself, to find a cycle that is there.</param>
    public static IReadOnlyList<long>? Path(IEnumerable<(long Task, long DependsOn)> edges, long task, long on)
    {
        var next = edges.ToLookup(e => e.Task, e => e.DependsOn);
        var from = new Dictionary<long, long>();
        var queue = new Queue<long>();
        if (task == on && next[task].Contains(task))
            return [task, task];
        foreach (var first in task == on ? next[task] : [on])
        {
            if (from.TryAdd(first, task))
                queue.Enqueue(first);
        }

        while (queue.TryDequeue(out var at))
        {
            if (at == task)
                break;
            foreach (var further in next[at])
            {
                if (from.TryAdd(further, at))
                    queue.Enqueue(further);
            }
        }

        if (!from.TryGetValue(task, out var last))
            return null;
        List<long> path = [task];
        for (var at = last; at != task; at = from[at])
            path.Add(at);
        path.Add(task);
        path.Reverse();
        return path;
    }

    /// <summary>The refusal of a cycle.</summary>
    public static Problem Problem(IReadOnlyList<long> path) => Problem([.. path.Select(id => $"{id}")]);

    /// <summary>The refusal of a cycle among named tasks.</summary>
    public static Problem Problem(IReadOnlyList<string> path)
    {
        const int Shown = 20;
        var text =
            path.Count <= Shown
                ? string.Join(" → ", path)
                : $"{string.Join(" → ", path.Take(Shown - 1))} → … ({path.Count - Shown} more) → {path[^1]}";
        return Common.Errors.Problem.Conflict(
            $"these tasks would wait for each other: {text}; leave out one of the edges"
        );
    }
}
