using Hive.Common.Doors;
using Hive.Common.Errors;

namespace Hive.Features.Locks;

/// <summary>Finds tasks that wait for each other.</summary>
internal static class LockCycles
{
    // The most edges of a cycle that are told.
    private const int MostTold = 10;

    // Of the name of a resource, which an agent chooses.
    private const int ShownCharacters = 60;

    /// <summary>A resource as errors name it.</summary>
    public static string Named(string resource) => $"'{TextRules.CutCharacters(resource, ShownCharacters)}'";

    /// <summary>One edge of the graph: a task waits for a resource that another one keeps from it.</summary>
    private sealed record Edge(long Task, LockRow On);

    /// <summary>Refuses a request that makes its task wait for itself. Every edge that a request adds begins or ends at
    /// its task, so that a walk from there finds any cycle; the nearest tasks come first, and so the shortest
    /// one.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the tasks and the resources of the cycle.</exception>
    public static void Refuse(LockState state, long task, string resource)
    {
        var found = new Dictionary<long, Edge>();
        var open = new Queue<long>([task]);
        while (open.TryDequeue(out var next))
        {
            foreach (var on in Before(state, next))
            {
                if (on.Task == task)
                    throw Problem.Conflict(Words(found, new Edge(next, on), task, resource));
                if (found.TryAdd(on.Task, new Edge(next, on)))
                    open.Enqueue(on.Task);
            }
        }
    }

    private static IEnumerable<LockRow> Before(LockState state, long task) =>
        state
            .Of(task)
            .SelectMany(resource => state.At(resource).WaitOf(task) is { } wait ? state.At(resource).Before(wait) : []);

    private static string Words(Dictionary<long, Edge> found, Edge last, long task, string resource)
    {
        List<Edge> path = [last];
        while (path[^1].Task != task)
            path.Add(found[path[^1].Task]);
        path.Reverse();
        return $"task {task} must not wait for {Named(resource)}, because that closes a cycle: "
            + string.Join(
                "; ",
                path.Take(MostTold).Select(e => $"task {e.Task} waits for {Named(e.On.Resource)}, {Keeps(e.On)}")
            )
            + (path.Count > MostTold ? $"; and {path.Count - MostTold} more" : "")
            + $"; release what task {task} holds of these first, or go on without {Named(resource)}";
    }

    private static string Keeps(LockRow on) =>
        $"which task {on.Task} "
        + (
            on.AcquiredAt is not null ? "holds"
            : on.IsReservation ? "has reserved"
            : "waits for before it"
        );
}
