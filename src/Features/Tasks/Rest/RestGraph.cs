using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>The tasks of a ticket with what waits for what, under the names of <c>/api/v1</c>.</summary>
/// <param name="Nodes">The tasks.</param>
/// <param name="Edges">What waits for what.</param>
/// <param name="CriticalPath">The longest chain that is still to be done.</param>
internal sealed record RestGraph(
    IReadOnlyList<RestTask> Nodes,
    IReadOnlyList<TaskEdge> Edges,
    IReadOnlyList<long> CriticalPath
);

/// <summary>Shows the graph of a ticket's tasks.</summary>
internal static class RestTicketGraph
{
    /// <param name="Id">The ticket.</param>
    internal sealed record Query(long Id) : IRequest<RestGraph>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store, ITickets tickets, TaskChanges changes)
        : IRequestHandler<Query, RestGraph>
    {
        public Task<RestGraph> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var rows = TaskTable.OfTicket(db, tickets.Require(db, request.Id).Id);
                    var graph = ShowGraph.Of(db, rows, changes);
                    return new RestGraph(RestTask.Of(rows, graph.Nodes), graph.Edges, graph.CriticalPath);
                },
                cancellationToken
            );
    }
}

/// <summary>A run under the names of <c>/api/v1</c>, beside those that the sockets have.</summary>
/// <param name="Run">Its members as on the sockets.</param>
internal sealed record RestRun([property: JsonIgnore] TaskRun Run) : TaskRun(Run)
{
    /// <summary>The task.</summary>
    public long TaskId => Task;

    /// <summary>The agent.</summary>
    public string AgentId => Agent;
}

/// <summary>Lists the runs of a task, the newest first.</summary>
internal static class RestListRuns
{
    /// <param name="Id">The task.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(long Id, int? Limit = null, long? Before = null) : IRequest<IReadOnlyList<RestRun>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Id).MustBeIdOf("task");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, IReadOnlyList<RestRun>>
    {
        public Task<IReadOnlyList<RestRun>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read<IReadOnlyList<RestRun>>(
                db =>
                    [
                        .. TaskViews
                            .Runs(db, TaskTable.Require(db, request.Id).Id)
                            .PageDown(request.Limit, request.Before, run => run.Id)
                            .Select(run => new RestRun(run)),
                    ],
                cancellationToken
            );
    }
}
