using System.ComponentModel;
using System.Text.Json;
using System.Text.Json.Nodes;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Tells an agent its task whole, or another task or ticket that it may see.</summary>
internal static class GetWork
{
    private const int MostTasks = 100;

    // The members of a task that are cut when it is too long, the first ones first.
    private static readonly string[] CutOrder = ["runs", "result", "description", "expected_outputs", "progress"];

    internal sealed record Query(
        Caller Caller,
        [property: Description("The task. Left out, with 'ticket' too: the only task that you have.")]
            long? Task = null,
        [property: Description("A ticket: its fields and its tasks.")] long? Ticket = null
    ) : IRequest<Result>;

    /// <summary>A ticket as its workers see it.</summary>
    internal sealed record TicketBrief(
        long Id,
        string Title,
        string Description,
        string Workflow,
        string PhaseId,
        string Priority,
        string Gate,
        bool Held,
        IReadOnlyList<string> Labels,
        string? Repository = null,
        string? Blocked = null,
        string? BlockedReason = null,
        DateTimeOffset? DeadlineAt = null
    )
    {
        public static TicketBrief Of(TicketEntry t) =>
            new(
                t.Id,
                t.Title,
                t.Description,
                t.Workflow,
                t.PhaseId,
                Priorities.Word(t.Priority),
                t.Gate,
                t.Held,
                t.Labels,
                t.Repository,
                t.Blocked,
                t.BlockedReason,
                TaskViews.Instant(t.DeadlineAt)
            );
    }

    /// <param name="Brief">The caller's own task, whole.</param>
    /// <param name="Task">Another task: with its long texts for those who had a run of it.</param>
    /// <param name="Ticket">The ticket.</param>
    /// <param name="Tasks">The tasks of the ticket, the first ones.</param>
    /// <param name="Artifacts">What was handed in for the ticket, with the texts; for the manager.</param>
    /// <param name="Truncated">Set when the answer would have been too long.</param>
    /// <param name="Cut">The members that were shortened or left out.</param>
    internal sealed record Result(
        JsonObject? Brief = null,
        JsonObject? Task = null,
        TicketBrief? Ticket = null,
        IReadOnlyList<TaskView>? Tasks = null,
        JsonArray? Artifacts = null,
        bool? Truncated = null,
        IReadOnlyList<string>? Cut = null
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Task).MustBeTaskId();
            RuleFor(q => q.Ticket).MustBeTaskId("ticket");
            RuleFor(q => q)
                .Must(q => q.Task is null || q.Ticket is null)
                .WithMessage("name a 'task' or a 'ticket', not both");
        }
    }

    internal sealed class Handler(
        IStore store,
        OwnTask own,
        Brief brief,
        ITickets tickets,
        TaskChanges changes,
        Lazy<IEnumerable<ITaskChecks>> checks,
        IEnumerable<IEvidenceTexts> evidence
    ) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var isWorker = request.Caller.Kind == CallerKind.Agent;
            if (request.Ticket is { } ticket)
                return await store.Read(db => OfTicket(db, request.Caller, ticket), cancellationToken);
            if (!isWorker && request.Task is null)
                throw Problem.Invalid("name a 'task' or a 'ticket'; list_work lists them");
            var (begun, other) = await store.Read(db => Find(db, request), cancellationToken);
            if (other is not null)
                return other;
            // A brief is long: the writer has others to serve, so it begins the task and does not compose.
            if (!own.IsBegun(begun!))
                begun = await store.Write(
                    write => own.Begin(write, request.Caller, request.Task, run: null),
                    CancellationToken.None
                );
            var (whole, isNew) = await store.Read(
                db => (brief.Whole(db, begun!), begun!.IsReview && IsNew(db, begun, request.Caller.Name)),
                cancellationToken
            );
            // Only who has looked may pass what a review is about.
            if (isNew)
                await store.Write(
                    write =>
                    {
                        foreach (var check in checks.Value)
                            check.Looked(write, begun!.ToEntry(), request.Caller.Name);
                    },
                    CancellationToken.None
                );
            return new Result(whole);
        }

        private bool IsNew(System.Data.Common.DbConnection db, TaskRow review, string agent) =>
            checks.Value.Any(check => !check.HasLooked(db, review.ToEntry(), agent));

        // The caller's own task, or what it is told of another one.
        private (TaskRow? Own, Result? Other) Find(System.Data.Common.DbConnection db, Query query)
        {
            var caller = query.Caller;
            if (query.Task is not { } id)
                return (own.Require(db, caller, query.Task, run: null), null);
            var row = TaskTable.Require(db, id);
            return caller.Kind != CallerKind.Agent || row.Agent != caller.Name || !row.IsWithAgent
                ? (null, Other(db, caller, row))
                : (own.Require(db, caller, row, run: null), null);
        }

        private Result Other(System.Data.Common.DbConnection db, Caller caller, TaskRow row)
        {
            MustSee(db, caller, row.Ticket);
            var task =
                caller.Kind == CallerKind.Agent && !OwnTask.HadRun(db, caller.Name, row.Id)
                    ? JsonSerializer.SerializeToNode(TaskViews.Of(db, [row], changes)[0], WireJson.Options)
                    : JsonSerializer.SerializeToNode(TaskViews.Detail(db, row, changes), WireJson.Options);
            var (artifacts, isCut) = Artifacts(db, caller, row.Ticket, row.Id, Length(task));
            Brief.Cut(task!.AsObject(), Brief.WholeBytes - Length(artifacts), CutOrder);
            if (artifacts is not null)
                task["artifacts"] = artifacts;
            return isCut
                ? new Result(Task: task.AsObject(), Truncated: true, Cut: ["artifacts"])
                : new Result(Task: task.AsObject());
        }

        // At least half of an answer is left for them, and all that the rest does not take.
        private (JsonArray? Shown, bool IsCut) Artifacts(
            System.Data.Common.DbConnection db,
            Caller caller,
            long ticket,
            long? task,
            int rest
        )
        {
            if (caller.Kind == CallerKind.Agent || evidence.FirstOrDefault() is not { } texts)
                return (null, false);
            var bytes = Math.Max(Brief.WholeBytes / 2, Brief.WholeBytes - rest);
            var shown = texts.Of(db, ticket, task, bytes, out var isCut);
            return shown.Count == 0 ? (null, isCut) : (shown, isCut);
        }

        private Result OfTicket(System.Data.Common.DbConnection db, Caller caller, long id)
        {
            var ticket = tickets.Require(db, id);
            MustSee(db, caller, id);
            var rows = TaskTable.FirstOfTicket(db, id, MostTasks + 1);
            var tasks = TaskViews.Of(db, [.. rows.Take(MostTasks)], changes);
            var brief = TicketBrief.Of(ticket);
            var (artifacts, isCut) = Artifacts(db, caller, id, null, Length(brief) + Length(tasks));
            var left = Brief.WholeBytes - Length(brief) - Length(artifacts);
            TaskView[] shown = [.. tasks.TakeWhile(task => (left -= Length(task)) >= 0)];
            string[] cut =
            [
                .. shown.Length < rows.Count ? ["tasks"] : (string[])[],
                .. isCut ? ["artifacts"] : (string[])[],
            ];
            return new Result(
                Ticket: brief,
                Tasks: shown,
                Artifacts: artifacts,
                Truncated: cut.Length > 0 ? true : null,
                Cut: cut.Length > 0 ? cut : null
            );
        }

        private static int Length<T>(T part) => JsonSerializer.SerializeToUtf8Bytes(part, WireJson.Options).Length + 1;

        // A worker sees the tickets that it has or had a task on.
        private static void MustSee(System.Data.Common.DbConnection db, Caller caller, long ticket)
        {
            if (caller.Kind == CallerKind.Agent && !TaskTable.HasWorkedOn(db, caller.Name, ticket))
                throw Problem.Forbidden(
                    $"{caller.Name} has no task on ticket {ticket}; a worker sees the tickets that it works on"
                );
        }
    }
}
