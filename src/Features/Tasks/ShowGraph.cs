using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Shows the tasks of a ticket with what waits for what, and the longest chain that is still to be
/// done.</summary>
internal static class ShowGraph
{
    internal sealed record Query(long Ticket) : IRequest<Result>;

    internal sealed record Result(TaskGraph Graph);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Ticket).MustBeIdOf("ticket", "ticket");
    }

    internal sealed class Handler(IStore store, ITickets tickets, TaskChanges changes) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    tickets.Require(db, request.Ticket);
                    return new Result(Of(db, TaskTable.OfTicket(db, request.Ticket), changes));
                },
                cancellationToken
            );
    }

    /// <summary>The graph of all tasks of a ticket.</summary>
    internal static TaskGraph Of(DbConnection db, IReadOnlyCollection<TaskRow> rows, TaskChanges? live)
    {
        var edges = rows.Count == 0 ? [] : TaskTable.EdgesOf(db, rows.First().Ticket);
        return new TaskGraph(
            TaskViews.Of(db, rows, live),
            [
                .. edges.Select(e => new TaskEdge(e.DependsOn, e.Task, "dependency")),
                .. Found(db, rows).Select(e => new TaskEdge(e.Source, e.Task, "discovery")),
            ],
            CriticalPath([.. rows.Where(row => row.IsOpen).Select(row => row.Id)], edges)
        );
    }

    private static List<(long Source, long Task)> Found(DbConnection db, IReadOnlyCollection<TaskRow> rows) =>
        rows.Any(row => row.Discovery is not null) ? DiscoveryTable.EdgesOf(db, rows.First().Ticket) : [];

    /// <summary>The longest chain among tasks, each after the one that it waits for. Without recursion: a chain can
    /// have a thousand tasks.</summary>
    internal static IReadOnlyList<long> CriticalPath(
        HashSet<long> open,
        IReadOnlyList<(long Task, long DependsOn)> edges
    )
    {
        var among = edges.Where(e => open.Contains(e.Task) && open.Contains(e.DependsOn)).ToArray();
        var left = open.ToDictionary(id => id, _ => 0);
        foreach (var (task, _) in among)
            left[task]++;
        var waiting = among.ToLookup(e => e.DependsOn, e => e.Task);
        var length = open.ToDictionary(id => id, _ => 1);
        var before = new Dictionary<long, long>();
        var free = new Queue<long>(open.Where(id => left[id] == 0).Order());
        long? last = null;
        while (free.TryDequeue(out var id))
        {
            if (last is not { } best || length[id] > length[best])
                last = id;
            foreach (var next in waiting[id])
            {
                if (length[id] + 1 > length[next])
                    (length[next], before[next]) = (length[id] + 1, id);
                if (--left[next] == 0)
                    free.Enqueue(next);
            }
        }

        List<long> path = [];
        for (var at = last; at is { } id; at = before.TryGetValue(id, out var earlier) ? earlier : null)
            path.Add(id);
        path.Reverse();
        return path;
    }
}
