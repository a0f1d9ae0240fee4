using Dapper;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks.Rest;

/// <summary>Lists tasks under the names of <c>/api/v1</c>.</summary>
internal static class RestListTasks
{
    internal sealed record Query(
        string? Status = null,
        string? PhaseId = null,
        long? TicketId = null,
        string? AgentId = null,
        int Limit = 100,
        long? Before = null
    ) : IRequest<IReadOnlyList<RestTask>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.AgentId).MustBeAgentsName(names, "agent_id");
            RuleFor(q => q.Status).MustBeStatus();
        }
    }

    internal sealed class Handler(IStore store, TaskChanges changes) : IRequestHandler<Query, IReadOnlyList<RestTask>>
    {
        public Task<IReadOnlyList<RestTask>> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    RestTask.Of(
                        db,
                        ListTasks.Rows(
                            db,
                            new ListTasks.Query(q.TicketId, q.PhaseId, q.Status, q.AgentId, q.Limit, q.Before),
                            TaskRow.ShortColumns + ", description"
                        ),
                        changes
                    ),
                cancellationToken
            );
    }
}

/// <summary>Lists the tasks of a ticket, by id.</summary>
internal static class RestTicketTasks
{
    /// <param name="Id">The ticket.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(long Id, int? Limit = null, long? Before = null) : IRequest<IReadOnlyList<RestTask>>;

    internal sealed class Handler(IStore store, ITickets tickets, TaskChanges changes)
        : IRequestHandler<Query, IReadOnlyList<RestTask>>
    {
        public Task<IReadOnlyList<RestTask>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    RestTask.Of(
                        db,
                        TaskTable
                            .OfTicket(db, tickets.Require(db, request.Id).Id)
                            .Page(request.Limit, request.Before, row => row.Id),
                        changes,
                        withResult: true
                    ),
                cancellationToken
            );
    }
}

/// <summary>Shows a task under the names of <c>/api/v1</c>.</summary>
internal static class RestShowTask
{
    internal sealed record Query(long Id) : IRequest<RestTask>;

    internal sealed class Handler(IStore store, TaskChanges changes) : IRequestHandler<Query, RestTask>
    {
        public Task<RestTask> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => RestTask.Of(db, TaskTable.Require(db, request.Id), changes), cancellationToken);
    }
}

/// <summary>Shows what a task waits for and what waits for it.</summary>
internal static class RestShowEdges
{
    internal sealed record Query(long Id) : IRequest<RestTaskEdges>;

    internal sealed class Handler(IStore store) : IRequestHandler<Query, RestTaskEdges>
    {
        public Task<RestTaskEdges> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var row = TaskTable.Require(db, request.Id);
                    var blocked = db.Query<TaskRow>(
                        $"""
                        SELECT {TaskRow.Columns}
                          FROM tasks
                         WHERE id IN (SELECT task FROM task_deps WHERE depends_on = @Id)
                         ORDER BY id
                        """,
                        new { row.Id }
                    );
                    return new RestTaskEdges(
                        row.Id,
                        TaskTable.DependenciesOf(db, row.Id),
                        row.DepsDone == row.DepsTotal,
                        [.. blocked.Select(b => new RestTaskLine(b.Id, b.Description, b.Status, b.Title))]
                    );
                },
                cancellationToken
            );
    }
}

/// <summary>Says whether edges would make tasks wait for each other; changes nothing.</summary>
internal static class RestCheckCircular
{
    internal sealed record Query(long Id, [property: BareArray] IReadOnlyList<long> DependsOn) : IRequest<Result>;

    internal sealed record Result(bool HasCircularDependency, IReadOnlyList<long>? Cycle = null);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            RuleFor(q => q.DependsOn)
                .Must(ids => ids is { Count: <= TaskMaking.MostEdges })
                .WithMessage($"'depends_on' must be a list of at most {TaskMaking.MostEdges} ids");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var row = TaskTable.Require(db, request.Id);
                    var edges = TaskTable.EdgesOf(db, row.Ticket);
                    var cycle = request
                        .DependsOn.Select(on => on == row.Id ? [on, on] : Cycles.Path(edges, row.Id, on))
                        .FirstOrDefault(path => path is not null);
                    return new Result(cycle is not null, cycle);
                },
                cancellationToken
            );
    }
}

/// <summary>Lists the tasks that agents have, or of one agent.</summary>
internal static class RestCancellable
{
    /// <param name="AgentId">Those of one agent.</param>
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(string? AgentId = null, int? Limit = null, long? Before = null)
        : IRequest<IReadOnlyList<RestRunningTask>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names) => RuleFor(q => q.AgentId).MustBeAgentsName(names, "agent_id");
    }

    internal sealed class Handler(IStore store, RunTimes times) : IRequestHandler<Query, IReadOnlyList<RestRunningTask>>
    {
        public Task<IReadOnlyList<RestRunningTask>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    (IReadOnlyList<RestRunningTask>)
                        [
                            .. TaskTable
                                .Open(db)
                                .Where(row => row.IsWithAgent && (request.AgentId ?? row.Agent) == row.Agent)
                                .Page(request.Limit, request.Before, row => row.Id)
                                .Select(times.Line),
                        ],
                cancellationToken
            );
    }
}

/// <summary>Lists the running tasks whose time is over; the host ends them by itself at that moment.</summary>
internal static class RestTimedOut
{
    /// <param name="Limit">The most; null for all.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(int? Limit = null, long? Before = null) : IRequest<IReadOnlyList<RestRunningTask>>;

    internal sealed class Handler(IStore store, RunTimes times) : IRequestHandler<Query, IReadOnlyList<RestRunningTask>>
    {
        public Task<IReadOnlyList<RestRunningTask>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    (IReadOnlyList<RestRunningTask>)
                        [
                            .. TaskTable
                                .Open(db)
                                .Where(times.IsTimedOut)
                                .Page(request.Limit, request.Before, row => row.Id)
                                .Select(times.Line),
                        ],
                cancellationToken
            );
    }
}

/// <summary>Counts the runs that timed out. There is nothing to clean up: the host ends each at its time.</summary>
internal static class RestCleanUp
{
    internal sealed record Command : IRequest<Result>;

    /// <param name="CleanedCount">The runs that the host has ended because of their time.</param>
    /// <param name="TotalTimedOut">The running tasks whose time is over.</param>
    internal sealed record Result(long CleanedCount, long TotalTimedOut);

    internal sealed class Validator : AbstractValidator<Command>;

    internal sealed class Handler(IStore store, RunTimes times) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command request, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(
                    db.ExecuteScalar<long>("SELECT count(*) FROM runs WHERE end = 'timeout'"),
                    TaskTable.Open(db).Count(times.IsTimedOut)
                ),
                cancellationToken
            );
    }
}

/// <summary>Shows the time of a task's run.</summary>
internal static class RestTimeoutStatus
{
    internal sealed record Query(long Id) : IRequest<RestTimeout>;

    internal sealed class Handler(IStore store, RunTimes times) : IRequestHandler<Query, RestTimeout>
    {
        public Task<RestTimeout> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var row = TaskTable.Require(db, request.Id);
                    var elapsed = times.Elapsed(row);
                    return new RestTimeout(
                        true,
                        row.Id,
                        row.Status,
                        row.TimeoutSeconds,
                        times.IsTimedOut(row),
                        row.IsOpen,
                        elapsed,
                        elapsed is { } seconds ? Math.Max(0, row.TimeoutSeconds - seconds) : null
                    );
                },
                cancellationToken
            );
    }
}

/// <summary>Tells how long tasks run, by the clock that times them out.</summary>
internal sealed class RunTimes(OpenRuns runs, RunClocks clocks)
{
    /// <summary>The seconds that a running task has taken; null for another one.</summary>
    public double? Elapsed(TaskRow row) =>
        row.Status == TaskState.Running && runs.Find(row.Run ?? 0) is { } run && clocks.SecondsLeft(run) is { } left
            ? row.TimeoutSeconds - left
            : null;

    public bool IsTimedOut(TaskRow row) => Elapsed(row) >= row.TimeoutSeconds;

    public RestRunningTask Line(TaskRow row) =>
        new(
            row.Id,
            row.Ticket,
            row.PhaseId,
            row.TaskType,
            row.Title,
            row.Status,
            row.Agent,
            row.TimeoutSeconds,
            Elapsed(row)
        );
}

/// <summary>Lists the tasks that are ready, the next one first.</summary>
internal static class RestReadyTasks
{
    internal sealed record Query(
        string? PhaseId = null,
        int Limit = 10,
        IReadOnlyList<string>? RequiredCapabilities = null
    ) : IRequest<IReadOnlyList<RestTask>>;

    internal sealed class Handler(IStore store, ReadyList ready, TaskChanges changes)
        : IRequestHandler<Query, IReadOnlyList<RestTask>>
    {
        public Task<IReadOnlyList<RestTask>> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    RestTask.Of(
                        db,
                        [
                            .. ready
                                .Rows(
                                    db,
                                    q.PhaseId,
                                    q.RequiredCapabilities is null ? null : WorkWords.Normalise(q.RequiredCapabilities),
                                    Math.Clamp(q.Limit, 1, ListTasks.Most)
                                )
                                .Select(row => TaskTable.Require(db, row.Id)),
                        ],
                        changes
                    ),
                cancellationToken
            );
    }
}
