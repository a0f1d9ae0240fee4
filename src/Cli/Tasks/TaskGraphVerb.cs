using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;

namespace Hive.Cli.Tasks;

/// <summary><c>hive task graph</c>: prints the tasks of a ticket as a tree, each below the last one that it waits
/// for.</summary>
internal static class TaskGraphVerb
{
    // Deeper tasks keep this indent.
    private const int DeepestIndent = 12;

    private static readonly Screen.Column[] Heads =
    [
        Screen.Column.Text("task"),
        Screen.Column.Name("state"),
        Screen.Column.Name("agent"),
        Screen.Column.Text("about"),
    ];

    public static Command Create()
    {
        var ticket = TicketWords.OneTicket();
        return Verb.Create(
            "graph",
            "Show the tasks of a ticket as a tree of what waits for what.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("task_graph", new { ticket = parsed.GetRequiredValue(ticket) });
                var graph = answer.GetProperty("graph").Deserialize<TaskGraph>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (graph.Nodes.Count == 0)
                    verb.Screen.Line("This ticket has no tasks.");
                else
                    Show(verb.Screen, graph);
            },
            ticket,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, TaskGraph graph)
    {
        var critical = graph.CriticalPath.ToHashSet();
        screen.Table(Heads, [.. Tree(graph).Select(row => Cells(graph, critical, row.Task, row.Depth))]);
        if (critical.Count == 0)
            return;
        screen.Line();
        screen.Line($"* the longest chain that is left: {string.Join(" → ", graph.CriticalPath)}");
    }

    private static Screen.Cell[] Cells(TaskGraph graph, HashSet<long> critical, TaskView task, int depth)
    {
        var mark = critical.Contains(task.Id) ? "*" : "";
        var indent = new string(' ', 2 * Math.Min(depth, DeepestIndent));
        return
        [
            new(
                $"{indent}{TaskWords.Sign(task)} {TicketWords.Number(task.Id)}{mark} {task.Title}",
                mark.Length > 0 ? "bold"
                    : task.CompletedAt is not null ? "grey"
                    : ""
            ),
            TaskWords.State(task),
            TaskWords.AgentOf(task),
            string.Join("; ", Needs(graph, task).Append(TaskWords.About(task)).Where(text => text.Length > 0)),
        ];
    }

    // The place in the tree tells one dependency; several are named.
    private static IEnumerable<string> Needs(TaskGraph graph, TaskView task)
    {
        var edges = graph.Edges.Where(e => e.To == task.Id).ToLookup(e => e.Kind, e => e.From);
        if (edges["dependency"].Count() > 1)
            yield return $"after {string.Join(", ", edges["dependency"].Order())}";
        foreach (var source in edges["discovery"])
            yield return $"found in {TicketWords.Number(source)}";
    }

    /// <summary>The tasks with their depths, each once and behind everything that it waits for.</summary>
    internal static IReadOnlyList<(TaskView Task, int Depth)> Tree(TaskGraph graph)
    {
        var nodes = graph.Nodes.ToDictionary(n => n.Id);
        var known = graph.Edges.Where(e => nodes.ContainsKey(e.From) && nodes.ContainsKey(e.To)).ToLookup(e => e.Kind);
        // A task that waits for nothing stands below the one in which it was found, unless others wait for it: that
        // one may be among them.
        var bound = known["dependency"].SelectMany(e => (long[])[e.From, e.To]).ToHashSet();
        TaskEdge[] edges = [.. known["dependency"], .. known["discovery"].Where(e => !bound.Contains(e.To))];
        var waits = edges.Select(e => e.To).CountBy(id => id).ToDictionary();
        var next = edges.OrderByDescending(e => e.To).ToLookup(e => e.From, e => e.To);
        List<(TaskView, int)> rows = [];
        Stack<(long Id, int Depth)> open = new(
            nodes.Keys.Where(id => !waits.ContainsKey(id)).OrderDescending().Select(id => (id, 0))
        );
        while (open.TryPop(out var at))
        {
            rows.Add((nodes[at.Id], at.Depth));
            foreach (var id in next[at.Id])
            {
                if (--waits[id] == 0)
                    open.Push((id, at.Depth + 1));
            }
        }

        // A cycle, which the host refuses, hides no task.
        rows.AddRange(waits.Where(w => w.Value > 0).Select(w => (nodes[w.Key], 0)));
        return rows;
    }
}
