using System.ComponentModel;
using System.Data.Common;
using Dapper;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Lists tasks, the newest first.</summary>
internal static class ListTasks
{
    /// <summary>The most tasks of one answer.</summary>
    public const int Most = 200;

    internal sealed record Query(
        [property: Description("Of one ticket.")] long? Ticket = null,
        [property: Description("Of one phase.")] string? PhaseId = null,
        [property: Description("In one status; 'open' for all that have not ended.")] string? Status = null,
        [property: Description("That one agent has or had last.")] string? Agent = null,
        [property: Description("At most 200.")] int Limit = 100,
        [property: Description("Only tasks with lower ids, for the next page.")] long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TaskView> Tasks);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.Agent).MustBeAgentsName(names, "agent");
            RuleFor(q => q.Status).MustBeStatus();
        }
    }

    internal sealed class Handler(IStore store, TaskChanges changes) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(TaskViews.Of(db, Rows(db, request), changes)), cancellationToken);
    }

    /// <summary>A status, or <c>open</c>.</summary>
    internal static void MustBeStatus<T>(this IRuleBuilder<T, string?> rule) =>
        rule.Must(status => status is null or "open" || TaskState.All.Contains(status))
            .WithMessage($"'status' can be open, {string.Join(", ", TaskState.All)}");

    /// <summary>The rows that a query asks for.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="query">The query.</param>
    /// <param name="columns">Those of a view, or more of them.</param>
    internal static List<TaskRow> Rows(DbConnection db, Query query, string columns = TaskRow.ShortColumns)
    {
        var isOpen = query.Status is not null && IsOpen(query.Status);
        var source =
            query.Ticket is not null ? "tasks INDEXED BY tasks_ticket WHERE ticket = @Ticket"
            : isOpen ? "tasks INDEXED BY tasks_open WHERE completed_at IS NULL"
            : "tasks WHERE true";
        return db.Query<TaskRow>(
                $"""
                SELECT {columns}
                  FROM {source}
                   AND id < @before
                   AND (@isOpen = 0 OR completed_at IS NULL)
                   AND (@PhaseId IS NULL OR phase_id = @PhaseId)
                   AND (@status IS NULL OR status = @status)
                   AND (@Agent IS NULL OR agent = @Agent)
                 ORDER BY id DESC
                 LIMIT @Limit
                """,
                new
                {
                    query.Ticket,
                    isOpen,
                    before = query.Before ?? long.MaxValue,
                    query.PhaseId,
                    status = query.Status == "open" ? null : query.Status,
                    query.Agent,
                    Limit = Math.Clamp(query.Limit, 1, Most),
                }
            )
            .AsList();
    }

    private static bool IsOpen(string status) =>
        status is "open" or TaskState.Pending or TaskState.Assigned or TaskState.Running or TaskState.Reviewing;
}
