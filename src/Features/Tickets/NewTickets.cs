using System.Text.Json;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Tickets;

/// <summary>A ticket to be made.</summary>
internal sealed record NewTicket(
    string Title,
    string? Description,
    IReadOnlyList<string> DescriptionRefs,
    string? Workflow,
    string? PhaseId,
    string? Priority,
    IReadOnlyList<string>? Labels,
    string? Repository,
    DateTimeOffset? DeadlineAt,
    IReadOnlyList<long> BlockedBy,
    long? Parent,
    IReadOnlyList<TaskSpec> Tasks
);

/// <summary>Makes tickets, approves and rejects them.</summary>
internal sealed class NewTickets(
    TicketTable table,
    ColumnCounts counts,
    MoveRules rules,
    Moves moves,
    Links links,
    RemovedTickets removed,
    ApprovalDeadlines deadlines,
    IWorkflows workflows,
    HiveOptions options,
    Lazy<IEnumerable<ITicketTasks>> tasks
)
{
    /// <summary>The most open tickets that one agent has made.</summary>
    public const int MostOfAgent = 2000;

    private bool IsReviewed => options.Tickets.HumanReview;

    /// <summary>Makes a ticket. It begins at once, or waits for its approval.</summary>
    /// <returns>The ticket's id.</returns>
    public long Make(IWrite write, NewTicket ticket, string requester)
    {
        if (requester != Principals.Operator && counts.MadeBy(requester) >= MostOfAgent)
            throw Problem.Conflict(
                $"{requester} has {MostOfAgent} open tickets, which is the limit; end some of them first"
            );
        var workflow = workflows.Require(ticket.Workflow);
        var phase = ticket.PhaseId is { } id ? workflow.RequirePhase(id) : workflow.Phases[0];
        if (phase.Terminal || phase.Id == Phase.BlockedId)
            throw Problem.Invalid($"a ticket cannot begin in {phase.Id}; leave 'phase_id' out, or name another phase");
        if (ticket.Parent is { } parent)
            TicketTable.Require(write.Db, parent);
        foreach (var maker in tasks.Value)
            maker.Check(workflow, ticket.Tasks);
        var now = table.Now;
        var draft = new TicketRow
        {
            Id = 0,
            Workflow = workflow.Name,
            Title = ticket.Title.Trim(),
            Description = ticket.Description ?? "",
            DescriptionRefs = TicketRow.Json(ticket.DescriptionRefs),
            Priority = Priorities.Number(ticket.Priority ?? "MEDIUM"),
            PhaseId = phase.Id,
            Status = "",
            Gate = TicketRow.Gates.Open,
            GateMarked = 0,
            GateRev = 0,
            EnteredAt = now,
            Rank = 0,
            Parent = ticket.Parent,
            Labels = TicketRow.Json(TicketRules.Normalise(ticket.Labels)),
            Repository = ticket.Repository,
            DeadlineAt = ticket.DeadlineAt?.ToUnixTimeMilliseconds(),
            Approval = IsReviewed ? TicketRow.Approvals.Pending : TicketRow.Approvals.Approved,
            ApprovalDeadlineAt = IsReviewed ? now + (options.Tickets.ApprovalSeconds * 1000L) : null,
            Held = 0,
            Requester = requester,
            CreatedAt = now,
            UpdatedAt = now,
        };
        if (!IsReviewed)
        {
            MustHaveRoom(workflow, phase);
            draft = Moves.Fresh(draft, phase, now);
        }

        // Tasks are made once the ticket is approved.
        var kept =
            IsReviewed && ticket.Tasks.Count > 0 ? JsonSerializer.Serialize(ticket.Tasks, WireJson.Options) : null;
        var row = table.Insert(write, draft, new Note(requester, "created", Data: kept));
        links.Put(write, row, [.. ticket.BlockedBy.Distinct()], requester);
        if (IsReviewed)
            deadlines.Add(write, row.Id, TimeSpan.FromSeconds(options.Tickets.ApprovalSeconds));
        else
            Begin(write, row.Id, ticket.Tasks, requester);
        return row.Id;
    }

    /// <summary>Approves a ticket: it begins.</summary>
    public void Approve(IWrite write, long id, string actor)
    {
        var row = RequirePending(write, id);
        var workflow = rules.WorkflowOf(row);
        var phase = workflow.RequirePhase(row.PhaseId);
        MustHaveRoom(workflow, phase);
        table.Put(
            write,
            row,
            Moves.Fresh(row, phase, table.Now) with
            {
                Approval = TicketRow.Approvals.Approved,
                ApprovalDeadlineAt = null,
            },
            new Note(actor, "approved")
        );
        deadlines.Remove(write, id);
        Begin(write, id, KeptTasks(write, id), row.Requester);
    }

    /// <summary>Rejects a ticket: it is removed, or kept without any work on it.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">The ticket.</param>
    /// <param name="actor">Who rejects it.</param>
    /// <param name="reason">Why.</param>
    /// <param name="isTimedOut">Its deadline has passed.</param>
    public void Reject(IWrite write, long id, string actor, string reason, bool isTimedOut = false)
    {
        var row = RequirePending(write, id);
        deadlines.Remove(write, id);
        if (options.Tickets.OnReject == TicketsOptions.Delete)
        {
            removed.Remove(write, row, actor);
            return;
        }

        table.Put(
            write,
            row,
            row with
            {
                Approval = isTimedOut ? TicketRow.Approvals.TimedOut : TicketRow.Approvals.Rejected,
                ApprovalDeadlineAt = null,
                RejectionReason = reason,
                DoneAt = table.Now,
            },
            new Note(actor, "rejected", reason)
        );
    }

    private static TicketRow RequirePending(IWrite write, long id)
    {
        var row = TicketTable.Require(write.Db, id);
        return row.IsPending
            ? row
            : throw Problem.Conflict($"ticket {id} does not wait for an approval; it is {row.Approval}");
    }

    private void MustHaveRoom(Workflow workflow, Phase phase)
    {
        if (rules.Full(workflow, null, phase) is { } full)
            throw Problem.Conflict(full);
    }

    private void Begin(IWrite write, long id, IReadOnlyList<TaskSpec> specs, string actor)
    {
        moves.Enter(write, id, actor);
        if (specs.Count == 0)
            return;
        var entry = TicketTable.Require(write.Db, id).ToEntry();
        foreach (var maker in tasks.Value)
            maker.Add(write, entry, specs, actor);
    }

    private static IReadOnlyList<TaskSpec> KeptTasks(IWrite write, long id) =>
        write.Db.ExecuteScalar<string?>(
            "SELECT data FROM ticket_history WHERE ticket = @id AND kind = 'created'",
            new { id }
        )
            is { } kept
            ? JsonSerializer.Deserialize<IReadOnlyList<TaskSpec>>(kept, WireJson.Options)!
            : [];
}

/// <summary>Removes tickets with everything of them.</summary>
internal sealed class RemovedTickets(
    TicketTable table,
    Links links,
    Moves moves,
    Lazy<IEnumerable<ITicketRemoved>> told
)
{
    /// <summary>Removes a ticket; its open tasks are cancelled first.</summary>
    public void Remove(IWrite write, TicketRow row, string actor)
    {
        // The uppermost first: a slice's rows are found by those of the slices below it.
        foreach (var other in told.Value.Reverse())
            other.Removed(write, row.ToEntry(), actor);
        // The slices above may have changed it.
        row = TicketTable.Require(write.Db, row.Id);
        var unblocked = links.Forget(write, row.Id);
        table.Delete(write, row);
        moves.Left(write, row, unblocked);
    }
}
