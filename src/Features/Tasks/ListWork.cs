using System.ComponentModel;
using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Lists tickets, tasks, the queue, the board or the agents for those who plan work.</summary>
internal static class ListWork
{
    private const int Most = 100;
    private static readonly string[] Kinds = ["tickets", "tasks", "ready", "board", "agents", "discoveries"];

    internal sealed record Query(
        [property: Description(
            "tickets (open ones), tasks (the newest first), ready (what the next free agents get), board (columns with "
                + "their counts), agents (who takes tasks) or discoveries (what agents found, the newest first)."
        )]
            string What,
        [property: Description("With tasks and discoveries: of one ticket.")] long? Ticket = null,
        [property: Description("With tickets and board: of one workflow.")] string? Workflow = null,
        [property: Description("With tickets, tasks and ready: of one phase.")] string? PhaseId = null,
        [property: Description("With tasks: in one status; 'open' for all that have not ended.")] string? Status = null,
        [property: Description("With tasks: of one agent.")] string? Agent = null,
        [property: Description("At most 100.")] int Limit = 50,
        [property: Description("With tickets, tasks and discoveries: only lower ids, for the next page.")]
            long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(
        IReadOnlyList<TicketLine>? Tickets = null,
        IReadOnlyList<TaskView>? Tasks = null,
        Board? Board = null,
        IReadOnlyList<WorkAgent>? Agents = null,
        IReadOnlyList<DiscoveryView>? Discoveries = null
    );

    internal sealed record Board(IReadOnlyList<BoardColumnView> Columns);

    /// <summary>A ticket on one line; with <c>approval</c> while it waits for that.</summary>
    internal sealed record TicketLine(
        long Id,
        string Title,
        string Workflow,
        string PhaseId,
        string Priority,
        string Gate,
        bool Held,
        TaskCounts Tasks,
        IReadOnlyList<string> Agents,
        string? Blocked = null,
        string? BlockedReason = null,
        string? Approval = null
    );

    /// <summary>An agent that takes tasks.</summary>
    internal sealed record WorkAgent(
        string Name,
        string Duty,
        string Status,
        IReadOnlyList<string> Capabilities,
        int Capacity,
        int ActiveTasks,
        IReadOnlyList<string>? Phases = null
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.Agent).MustBeAgentsName(names, "agent");
            RuleFor(q => q.What).Must(Kinds.Contains).WithMessage($"'what' can be {string.Join(", ", Kinds)}");
            RuleFor(q => q.Status).MustBeStatus();
        }
    }

    internal sealed class Handler(
        IStore store,
        ITickets tickets,
        TicketSeams work,
        TaskChanges changes,
        IWorkflows workflows,
        ReadyList ready,
        IRoster roster,
        OpenRuns runs,
        IAgentStanding standing
    ) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var query = request with { Limit = Math.Clamp(request.Limit, 1, Most) };
            return query.What == "agents"
                ? Task.FromResult(new Result(Agents: [.. Agents().Take(query.Limit)]))
                : store.Read(db => Read(db, query), cancellationToken);
        }

        private Result Read(DbConnection db, Query q) =>
            q.What switch
            {
                "tickets" => new Result(Tickets: [.. Lines(db, q)]),
                "discoveries" => new Result(
                    Discoveries:
                    [
                        .. DiscoveryTable
                            .Rows(db, q.Ticket, null, null, null, q.Before, q.Limit)
                            .Select(row => row.ToView()),
                    ]
                ),
                "board" => new Result(Board: new Board(tickets.Board(workflows.Require(q.Workflow)))),
                "ready" => new Result(Tasks: TaskViews.Of(db, ready.Rows(db, q.PhaseId, null, q.Limit), changes)),
                _ => new Result(
                    Tasks: TaskViews.Of(
                        db,
                        ListTasks.Rows(
                            db,
                            new ListTasks.Query(q.Ticket, q.PhaseId, q.Status, q.Agent, q.Limit, q.Before)
                        ),
                        changes
                    )
                ),
            };

        private IEnumerable<TicketLine> Lines(DbConnection db, Query q)
        {
            var workflow = q.Workflow is null ? null : workflows.Require(q.Workflow).Name;
            var open = tickets
                .Open(db)
                .Where(t =>
                    (workflow is null || t.Workflow == workflow) && (q.PhaseId is null || t.PhaseId == q.PhaseId)
                )
                .Where(t => q.Before is null || t.Id < q.Before)
                .OrderByDescending(t => t.Id)
                .Take(q.Limit)
                .ToArray();
            var current = work.Of(db, [.. open.Select(t => t.Id)]);
            return open.Select(t =>
            {
                var (counts, agents, _) = current.GetValueOrDefault(t.Id) ?? TicketWork.None;
                return new TicketLine(
                    t.Id,
                    t.Title,
                    t.Workflow,
                    t.PhaseId,
                    Priorities.Word(t.Priority),
                    t.Gate,
                    t.Held,
                    counts,
                    agents,
                    t.Blocked,
                    t.BlockedReason,
                    t.IsUnapproved ? t.Approval : null
                );
            });
        }

        private IEnumerable<WorkAgent> Agents() =>
            roster
                .All.Where(agent => agent.TakesTasks)
                .Select(agent => new WorkAgent(
                    agent.Name,
                    agent.Duty.Word()!,
                    standing.Of(agent.Name).Status,
                    agent.Work.Capabilities,
                    agent.Capacity,
                    runs.CountOf(agent.Name),
                    agent.Work.Phases
                ));
    }
}

/// <summary>Reads the tasks that are ready, the next one first.</summary>
internal sealed class ReadyList(IScheduler scheduler)
{
    /// <summary>The first ready tasks, without their long texts.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="phase">Of one phase; null for all.</param>
    /// <param name="capabilities">Only those for which these are enough; null for all.</param>
    /// <param name="most">How many.</param>
    public List<TaskRow> Rows(DbConnection db, string? phase, IReadOnlyCollection<string>? capabilities, int most)
    {
        Dictionary<long, TaskRow> known = [];
        // The queue may be ahead of this connection: tasks that are not ready here make room for later ones.
        for (var asked = most; ; asked *= 2)
        {
            var first = scheduler.First(asked, phase, capabilities);
            foreach (var row in TaskTable.Among(db, first.Where(id => !known.ContainsKey(id))))
                known.Add(row.Id, row);
            List<TaskRow> rows =
            [
                .. first.Select(id => known.GetValueOrDefault(id)).OfType<TaskRow>().Where(r => r.IsReady).Take(most),
            ];
            if (rows.Count == most || first.Count < asked)
                return rows;
        }
    }
}
