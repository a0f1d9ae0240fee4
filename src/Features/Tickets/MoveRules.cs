using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Judges whether a ticket may move: by its state, the workflow's map, the gate and the column's
/// limit.</summary>
internal sealed class MoveRules(IWorkflows workflows, ColumnCounts counts, Lazy<IEnumerable<IGateVerdicts>> verdicts)
{
    private const int ShownReason = 200;

    /// <summary>The error for a change of a ticket that has ended.</summary>
    public static Problem Ended(TicketRow row) =>
        Problem.Conflict(
            $"ticket {row.Id} has ended ({row.Status}), and takes only comments; "
                + $"make a follow-up with 'parent': {row.Id}"
        );

    /// <summary>The error for a change that has to wait for the ticket's approval.</summary>
    public static Problem Pending(TicketRow row) =>
        Problem.Conflict($"ticket {row.Id} waits for its approval; approve or reject it first");

    /// <summary>The workflow of a ticket that is open.</summary>
    public Workflow WorkflowOf(TicketRow row) => workflows.Require(row.Workflow);

    /// <summary>Why a ticket may not move to a phase, each with the way out; empty when it may.</summary>
    /// <param name="db">Any connection.</param>
    /// <param name="row">The ticket.</param>
    /// <param name="target">The phase.</param>
    /// <param name="isWrite">Inside a write. What a gate lacks is not read there: it takes all of its evidence.</param>
    public IReadOnlyList<string> Reasons(DbConnection db, TicketRow row, Phase target, bool isWrite = false)
    {
        if (row.IsDone)
            return [Ended(row).Message];
        if (row.IsPending)
            return [Pending(row).Message];
        var workflow = WorkflowOf(row);
        var phase = workflow.PhaseOf(row.PhaseId);
        if (target.Id == Phase.BlockedId)
            return row.Blocked is null ? [] : [Already(row)];
        if (target.Id == row.PhaseId)
            return row.Blocked is null ? [$"ticket {row.Id} is in {row.PhaseId} already"] : [];
        List<string> reasons = [];
        if (row.Held != 0)
            reasons.Add($"ticket {row.Id} is held by the operator; release it first");
        if (row.Blocked is not null && !Ways.EndsBlock(target))
            reasons.Add(
                $"{Already(row)}; unblock it first"
                    + (EndingBlock(workflow, row) is { Length: > 0 } ends ? $", or move it to {ends}" : "")
            );
        var isAhead = workflow.IsAhead(target.Id, row.PhaseId);
        var targets = phase is null ? [] : workflow.TargetsOf(phase);
        // Work on a blocked ticket may begin again in any phase that it has been through.
        if (!targets.Contains(target.Id) && (row.Blocked is null || isAhead || !Ways.EndsBlock(target)))
            reasons.Add(OffTheMap(row, target.Id, targets));
        if (isAhead && phase is not null && !HasPassed(db, row, phase))
            reasons.Add(isWrite ? NotPassed(phase) : GateReason(db, row, phase));
        if (Full(workflow, row.PhaseId, target) is { } full)
            reasons.Add(full);
        return reasons;
    }

    /// <summary>Says that a phase does not come before the ticket's; null when it does.</summary>
    public string? NotBefore(TicketRow row, Phase target) =>
        WorkflowOf(row).IsAhead(row.PhaseId, target.Id) && target.Id != Phase.BlockedId
            ? null
            : $"{target.Id} does not come before {row.PhaseId}, where ticket {row.Id} is; move it instead";

    /// <summary>Why a ticket may not go back to an earlier phase; null when it may.</summary>
    public string? RegressReason(TicketRow row, Phase target)
    {
        if (NotBefore(row, target) is { } ahead)
            return ahead;
        var workflow = WorkflowOf(row);
        var targets = workflow.PhaseOf(row.PhaseId) is { } phase ? workflow.TargetsOf(phase) : [];
        return !targets.Contains(target.Id) ? OffTheMap(row, target.Id, targets) : Full(workflow, row.PhaseId, target);
    }

    /// <summary>Says that a phase's column is full for a ticket from another column; null when it has room.</summary>
    /// <param name="workflow">The workflow.</param>
    /// <param name="from">The phase that the ticket leaves; null for a new one.</param>
    /// <param name="target">The phase that it enters.</param>
    public string? Full(Workflow workflow, string? from, Phase target)
    {
        if (
            workflow.ColumnOf(target.Id) is not { WipLimit: { } limit } column
            || (from is not null && column.PhaseMapping.Contains(from))
            || counts.HasRoom(workflow, column)
        )
            return null;
        var blocked = counts.BlockedIn(workflow, column);
        return $"column '{column.Name}' is full: {counts.Of(workflow, column)} of {limit}"
            + (blocked > 0 ? $", {blocked} of them blocked" : "")
            + "; move a ticket out of it first, or raise its 'wip_limit' in the workflow";
    }

    /// <summary>True when the gate of a ticket's phase asks nothing.</summary>
    public bool AsksNothing(TicketRow row) => AsksNothing(workflows.Find(row.Workflow), row.PhaseId);

    /// <summary>True when the gate of a phase asks nothing.</summary>
    public static bool AsksNothing(Workflow? workflow, string phaseId) =>
        workflow?.PhaseOf(phaseId) is { } phase && Ways.AsksNothing(phase);

    /// <summary>Says that a ticket is blocked, and why in the words of whoever blocked it.</summary>
    public static string Already(TicketRow row)
    {
        var reason = TextRules.CutCharacters(row.BlockedReason ?? "", ShownReason);
        return $"ticket {row.Id} is blocked ({row.Blocked}: '{reason}')";
    }

    private static string OffTheMap(TicketRow row, string target, IReadOnlyList<string> targets) =>
        $"{row.PhaseId} does not lead to {target}; "
        + (
            targets.Count > 0
                ? $"ticket {row.Id} may move to {string.Join(", ", targets)}"
                : $"ticket {row.Id} may not move from there"
        )
        + "; the operator may force it with a reason";

    private static string EndingBlock(Workflow workflow, TicketRow row) =>
        string.Join(
            ", ",
            workflow.Phases.Where(p => Ways.EndsBlock(p) && !workflow.IsAhead(p.Id, row.PhaseId)).Select(p => p.Id)
        );

    /// <summary>The refusal of a move inside a write.</summary>
    public Problem Refused(TicketRow row, IReadOnlyList<string> reasons)
    {
        var gate =
            WorkflowOf(row).PhaseOf(row.PhaseId) is { } phase && reasons.Contains(NotPassed(phase)) ? phase : null;
        return new Problem(
            ErrorCode.Conflict,
            string.Join("; ", reasons),
            gate is null ? null : new GateNotPassed(row.Id, gate.Id, NotPassed(gate))
        );
    }

    /// <summary>Tells what the gate lacks that refused a move; null when the ticket has left it by now.</summary>
    public string? Explain(DbConnection db, GateNotPassed refused) =>
        TicketTable.Find(db, refused.Ticket) is { IsDone: false } row
        && row.PhaseId == refused.PhaseId
        && WorkflowOf(row).PhaseOf(row.PhaseId) is { } phase
            ? GateReason(db, row, phase)
            : null;

    private bool HasPassed(DbConnection db, TicketRow row, Phase phase) =>
        Ways.AsksNothing(phase) || (row.HasPassed && verdicts.Value.All(v => v.HasPassed(db, row.ToEntry(), phase)));

    private string GateReason(DbConnection db, TicketRow row, Phase phase)
    {
        string[] open = [.. verdicts.Value.SelectMany(v => v.Blocking(db, row.ToEntry(), phase))];
        return open.Length == 0 ? NotPassed(phase) : NotPassed(phase, string.Join("; ", open));
    }

    private static string NotPassed(Phase phase, string why = "it has not been judged yet") =>
        $"the gate of {phase.Id} has not passed: {why}; complete what it asks for, or let the operator force the move";
}

/// <summary>A gate refused a move inside a write, in words that do not tell what it lacks.</summary>
internal sealed class GateNotPassed(long ticket, string phaseId, string words) : Exception(words)
{
    /// <summary>The ticket.</summary>
    public long Ticket => ticket;

    /// <summary>The phase of the gate.</summary>
    public string PhaseId => phaseId;
}

/// <summary>Runs writes that move tickets, and tells after a refusal what the gate lacks.</summary>
internal sealed class MoveWrites(IStore store, MoveRules rules)
{
    public async Task<T> Write<T>(Func<IWrite, T> work)
    {
        try
        {
            return await store.Write(work, CancellationToken.None);
        }
        catch (Problem e) when (e.InnerException is GateNotPassed refused)
        {
            var words = await store.Read(db => rules.Explain(db, refused)) ?? refused.Message;
            throw Problem.Conflict(e.Message.Replace(refused.Message, words, StringComparison.Ordinal));
        }
    }
}
