using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>
/// Moves tickets, whoever asks: <see cref="To"/> is the only function that changes a ticket's phase. Tickets that move
/// on by themselves do so in the same write. Of the writer's thread, like the counts.
/// </summary>
internal sealed class Moves(
    TicketTable table,
    ColumnCounts counts,
    MoveRules rules,
    Blocks blocks,
    Links links,
    TicketNews news,
    IWorkflows workflows,
    Lazy<IEnumerable<IPhaseEntered>> entered
)
{
    // Columns that lost a ticket in this operation. They are filled at its end, so that nothing is nested deeply.
    private readonly Queue<(Workflow Workflow, BoardColumn Column)> freed = new();

    // Tickets that may go on since the one that they waited for is done or gone.
    private readonly Queue<long> unblocked = new();
    private int depth;

    /// <summary>Moves a ticket as a person or an agent asks for it.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">The ticket.</param>
    /// <param name="toPhase">The phase.</param>
    /// <param name="actor">Who asks.</param>
    /// <param name="reason">The reason; feedback for a move to an earlier phase.</param>
    /// <param name="force">Asks neither map, gate, block, hold nor limit.</param>
    /// <exception cref="Problem">Code <c>conflict</c>, with the rule and the way out.</exception>
    public void Move(IWrite write, long id, string toPhase, string actor, string? reason, bool force = false) =>
        Run(
            write,
            () =>
            {
                var row = TicketTable.Require(write.Db, id);
                if (row.IsDone)
                    throw MoveRules.Ended(row);
                var workflow = rules.WorkflowOf(row);
                var target = workflow.RequireTarget(toPhase);
                var reasons = rules.Reasons(write.Db, row, target, isWrite: true);
                if (force && !row.IsPending && target.Id != row.PhaseId && target.Id != Phase.BlockedId)
                    reasons = [];
                if (reasons.Count > 0)
                    throw rules.Refused(row, reasons);
                if (target.Id == Phase.BlockedId)
                    blocks.Begin(write, row, BlockTypes.Clarification, reason ?? "moved to the blocked ones", actor);
                else if (target.Id == row.PhaseId)
                    Advance(write, links.Unblock(write, row, actor, reason).Id);
                else
                    To(write, row, target, new Note(actor, force ? "forced" : "moved", reason), endsBlock: true);
            }
        );

    /// <summary>Moves a ticket to an earlier phase. The caller makes the rework.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>, with the rule and the way out.</exception>
    public void Regress(IWrite write, long id, string toPhase, string reason, string actor, bool isAsked) =>
        Run(
            write,
            () =>
            {
                var row = TicketTable.Require(write.Db, id);
                if (row.IsDone)
                    throw MoveRules.Ended(row);
                var workflow = rules.WorkflowOf(row);
                var target = workflow.RequirePhase(toPhase);
                if (rules.NotBefore(row, target) is { } ahead)
                    throw Problem.Conflict(ahead);
                var reasons =
                    isAsked ? rules.Reasons(write.Db, row, target, isWrite: true)
                    : rules.RegressReason(row, target) is { } refused ? [refused]
                    : [];
                if (reasons.Count > 0)
                    throw Problem.Conflict(string.Join("; ", reasons));
                To(write, row, target, new Note(actor, "regressed", reason), endsBlock: isAsked);
            }
        );

    /// <summary>Lets a new or approved ticket enter the phase that it is stored in.</summary>
    public void Enter(IWrite write, long id, string actor) =>
        Run(
            write,
            () =>
            {
                var row = links.Apply(write, TicketTable.Require(write.Db, id), actor);
                Arrive(write, row, rules.WorkflowOf(row).RequirePhase(row.PhaseId), actor);
            }
        );

    /// <summary>Moves a ticket out of a phase that its workflow no longer has.</summary>
    public void Rescue(IWrite write, TicketRow row, Phase target) =>
        Run(
            write,
            () =>
                To(
                    write,
                    row,
                    target,
                    new Note(Principals.System, "moved", $"the workflow has {row.PhaseId} no longer"),
                    endsBlock: false
                )
        );

    /// <summary>The gate of the ticket's phase has passed: it moves on, waits, or stays.</summary>
    public void Passed(IWrite write, TicketRow row) =>
        Run(
            write,
            () =>
            {
                if (!row.HasPassed)
                    table.Put(
                        write,
                        row,
                        row with
                        {
                            Gate = TicketRow.Gates.Passed,
                        },
                        new Note(Principals.System, "gate", "passed")
                    );
                Advance(write, row.Id);
            }
        );

    /// <summary>Lets a ticket go on whose gate has passed, if nothing keeps it.</summary>
    public void Continue(IWrite write, long id) => Run(write, () => Advance(write, id));

    /// <summary>Fills a column with those that wait for it.</summary>
    public void Fill(IWrite write, Workflow workflow, BoardColumn column) =>
        Run(write, () => freed.Enqueue((workflow, column)));

    /// <summary>A ticket was deleted: its place is free, and those that waited for it may go on.</summary>
    public void Left(IWrite write, TicketRow row, IReadOnlyList<long> waited) =>
        Run(
            write,
            () =>
            {
                Free(row);
                foreach (var id in waited)
                    unblocked.Enqueue(id);
            }
        );

    /// <summary>A row as it is when it enters a phase: its gate is open and marked, or passed when it asks
    /// nothing.</summary>
    public static TicketRow Fresh(TicketRow row, Phase phase, long now)
    {
        var passes = phase.Terminal || Ways.AsksNothing(phase);
        return row with
        {
            PhaseId = phase.Id,
            EnteredAt = now,
            Gate = passes ? TicketRow.Gates.Passed : TicketRow.Gates.Open,
            GateMarked = passes ? 0 : 1,
            GateRev = row.GateRev + 1,
            DoneAt = phase.Terminal ? now : null,
        };
    }

    // The one function that moves a ticket.
    private void To(IWrite write, TicketRow before, Phase phase, Note note, bool endsBlock)
    {
        var after = Fresh(before, phase, table.Now) with { PreviousPhaseId = before.PhaseId };
        var isFreed = endsBlock && before.Blocked is not null && !phase.Terminal;
        var wasFromLinks = isFreed && Blocks.IsFromLinks(write.Db, before);
        if (endsBlock || phase.Terminal)
            after = Blocks.Ended(after);
        if (phase.Terminal)
            after = after with { Held = 0 };
        after = table.Put(write, before, after, note);
        Free(before);
        if (before.Blocked is not null && after.Blocked is null)
            blocks.EndRemedy(write, after, note.Actor);
        if (!phase.Terminal)
        {
            blocks.Follow(write, before, after);
            // A merge that became free may have failed, and blocked the ticket again.
            after = TicketTable.Require(write.Db, after.Id);
        }

        if (isFreed && !wasFromLinks && note.Kind != "forced")
            after = links.Apply(write, TicketTable.Require(write.Db, after.Id), note.Actor);
        Arrive(write, after, phase, note.Actor);
    }

    private void Arrive(IWrite write, TicketRow row, Phase phase, string actor)
    {
        foreach (var told in entered.Value)
            told.Entered(write, row.ToEntry(), phase, actor);
        if (!phase.Terminal)
        {
            Advance(write, row.Id);
            return;
        }

        news.Done(write, row, actor);
        foreach (var id in links.Fulfil(write, row.Id))
            unblocked.Enqueue(id);
    }

    // Nothing overtakes: a ticket for which there is no room, or before which others wait, takes its place among them.
    // One whose gate is to be judged again goes on, or does not, with the verdict.
    private void Advance(IWrite write, long id)
    {
        if (
            TicketTable.Find(write.Db, id) is not { IsPlaced: true, IsDone: false, HasPassed: true } row
            || workflows.Find(row.Workflow) is not { } workflow
            || IsInDoubt(row)
        )
            return;
        if (workflow.PhaseOf(row.PhaseId) is not { } phase || workflow.NextOf(phase) is not { } next)
        {
            if (row.Gate == TicketRow.Gates.Waiting)
                table.Put(write, row, row with { Gate = TicketRow.Gates.Passed });
            return;
        }

        // A blocked or held ticket goes on once it may.
        if (!row.Runs)
            return;
        var column = workflow.ColumnOf(next.Id);
        if (
            column is null
            || column == workflow.ColumnOf(phase.Id)
            || (
                column.Pull == ColumnPull.Auto
                && counts.HasRoom(workflow, column)
                && counts.NextFor(workflow, column) is null
            )
        )
        {
            To(write, row, next, new Note(Principals.System, "advanced"), endsBlock: false);
            return;
        }

        if (row.Gate != TicketRow.Gates.Waiting)
            table.Put(
                write,
                row,
                row with
                {
                    Gate = TicketRow.Gates.Waiting,
                },
                new Note(Principals.System, "waiting", $"for column '{column.Name}'")
            );
        freed.Enqueue((workflow, column));
    }

    private void Free(TicketRow row)
    {
        if (workflows.Find(row.Workflow) is { } workflow && workflow.ColumnOf(row.PhaseId) is { } column)
            freed.Enqueue((workflow, column));
    }

    private void Run(IWrite write, Action operation)
    {
        depth++;
        try
        {
            operation();
            while (depth == 1 && freed.Count + unblocked.Count > 0)
            {
                if (unblocked.TryDequeue(out var id))
                    Advance(write, id);
                else
                    Fill(write, freed.Dequeue());
            }
        }
        catch
        {
            // The write is rolled back as a whole.
            freed.Clear();
            unblocked.Clear();
            throw;
        }
        finally
        {
            depth--;
        }
    }

    private void Fill(IWrite write, (Workflow Workflow, BoardColumn Column) place)
    {
        var (workflow, column) = place;
        while (
            column.Pull == ColumnPull.Auto
            && counts.HasRoom(workflow, column)
            && counts
                .Line(workflow, column)
                .Select(id => TicketTable.Require(write.Db, id))
                .FirstOrDefault(row => !IsInDoubt(row))
                is { } row
        )
        {
            var next = workflow.NextOf(workflow.RequirePhase(row.PhaseId))!;
            To(write, row, next, new Note(Principals.System, "advanced", "a place became free"), endsBlock: false);
        }
    }

    private bool IsInDoubt(TicketRow row) => row.IsMarked && !rules.AsksNothing(row);
}
