using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>The changes of a ticket that several doors offer, each inside the caller's write.</summary>
internal sealed class TicketSteps(
    TicketTable table,
    MoveRules rules,
    Moves moves,
    Blocks blocks,
    Links links,
    Lazy<IEnumerable<ITicketTasks>> tasks,
    Lazy<IEnumerable<ITicketEvidence>> evidence
)
{
    private static readonly string[] Statuses = ["backlog", "analyzing", "building", "testing", "done"];

    /// <summary>New values of fields; null keeps one.</summary>
    internal sealed record Edits(
        string? Title,
        string? Description,
        IReadOnlyList<string>? DescriptionRefs,
        string? Priority,
        IReadOnlyList<string>? Labels,
        DateTimeOffset? DeadlineAt,
        string? Repository = null
    );

    /// <summary>Adds a comment to the history, also of a ticket that has ended.</summary>
    public void Comment(IWrite write, long id, string text, string actor) =>
        table.AddNote(write, TicketTable.Require(write.Db, id), new Note(actor, "comment", text));

    /// <summary>Changes fields.</summary>
    public void Edit(IWrite write, long id, Edits edits, string actor)
    {
        var row = TicketTable.Require(write.Db, id);
        string[] changed =
        [
            .. new[]
            {
                (edits.Title is not null, "title"),
                (edits.Description is not null, "description"),
                (edits.Priority is not null, "priority"),
                (edits.Labels is not null, "labels"),
                (edits.DeadlineAt is not null, "deadline_at"),
                (edits.Repository is not null, "repository"),
            }
                .Where(field => field.Item1)
                .Select(field => field.Item2),
        ];
        if (changed.Length == 0)
            return;
        MustBeFree(write, row, edits.Repository);
        table.Put(
            write,
            row,
            row with
            {
                Title = edits.Title?.Trim() ?? row.Title,
                Description = edits.Description ?? row.Description,
                DescriptionRefs = edits.DescriptionRefs is { } refs ? TicketRow.Json(refs) : row.DescriptionRefs,
                Priority = edits.Priority is { } word ? Priorities.Number(word) : row.Priority,
                Labels = edits.Labels is { } labels ? TicketRow.Json(TicketRules.Normalise(labels)) : row.Labels,
                DeadlineAt = edits.DeadlineAt?.ToUnixTimeMilliseconds() ?? row.DeadlineAt,
                Repository = edits.Repository ?? row.Repository,
            },
            new Note(actor, "changed", string.Join(", ", changed))
        );
        if (edits.Repository is null || edits.Repository == row.Repository)
            return;
        foreach (var maker in tasks.Value)
            maker.RepositoryChanged(write, TicketTable.Require(write.Db, id).ToEntry());
    }

    // A commit that was judged as evidence must be found in the repository where it was looked for.
    private void MustBeFree(IWrite write, TicketRow row, string? repository)
    {
        if (
            repository is not null
            && repository != row.Repository
            && evidence.Value.SelectMany(one => one.Commits(write.Db, row.Id)).FirstOrDefault() is { } commit
        )
            throw Problem.Conflict(
                $"commit {commit} is evidence for ticket {row.Id}, so its repository stays "
                    + $"{row.Repository ?? "unnamed"}; make another ticket with '{repository}'"
            );
    }

    /// <summary>Lets a ticket wait for another one.</summary>
    public void Link(IWrite write, long blocker, long blocked, string actor) =>
        links.Add(write, blocker, blocked, actor);

    /// <summary>Removes a link; the ticket may go on then.</summary>
    public void Unlink(IWrite write, long blocker, long blocked, string actor)
    {
        if (links.Remove(write, blocker, blocked, actor))
            moves.Continue(write, blocked);
    }

    /// <summary>Moves a ticket; one that is moved to an earlier phase with a reason is sent back with it.</summary>
    public void Move(
        IWrite write,
        long id,
        string? toPhase,
        string? toStatus,
        string actor,
        string? reason,
        bool force = false
    )
    {
        var row = TicketTable.Require(write.Db, id);
        if (row.IsDone)
            throw MoveRules.Ended(row);
        var workflow = rules.WorkflowOf(row);
        var target = toPhase ?? Named(workflow, row, toStatus!).Id;
        if (!force && reason is not null && target != Phase.BlockedId && workflow.IsAhead(row.PhaseId, target))
            Regress(write, id, target, reason, actor);
        else
            moves.Move(write, id, target, actor, reason, force);
    }

    /// <summary>Sends a ticket back to an earlier phase, with a task that carries the feedback.</summary>
    public void Regress(IWrite write, long id, string toPhase, string feedback, string actor)
    {
        var workflow = rules.WorkflowOf(TicketTable.Require(write.Db, id));
        workflow.RequirePhase(toPhase);
        moves.Regress(write, id, toPhase, feedback, actor, isAsked: true);
        var row = TicketTable.Require(write.Db, id);
        var rework = new TaskSpec(
            TaskType: "rework",
            Title: TextRules.CutCharacters($"Rework: {row.Title}", TicketRules.TitleLength),
            Description: feedback,
            PhaseId: toPhase
        );
        foreach (var maker in tasks.Value)
            maker.Add(write, row.ToEntry(), [rework], actor);
    }

    /// <summary>Blocks a ticket.</summary>
    public void Block(IWrite write, long id, string type, string? reason, string actor)
    {
        var row = RequireOpen(write, id);
        if (row.Blocked is not null)
            throw Problem.Conflict($"{MoveRules.Already(row)}; unblock it first");
        blocks.Begin(write, row, type, reason ?? "no reason given", actor);
    }

    /// <summary>Ends the block of a ticket; it may go on then.</summary>
    public void Unblock(IWrite write, long id, string actor, string? reason = null)
    {
        var row = RequireOpen(write, id);
        if (row.Blocked is null)
            throw Problem.Conflict($"ticket {id} is not blocked");
        links.Unblock(write, row, actor, reason);
        moves.Continue(write, id);
    }

    /// <summary>Holds a ticket: its tasks wait, and it does not move.</summary>
    public void Hold(IWrite write, long id, string actor, string? reason)
    {
        var row = RequireOpen(write, id);
        if (row.Held != 0)
            throw Problem.Conflict($"ticket {id} is held already; release it first");
        blocks.Hold(write, row, isHeld: true, actor, reason);
    }

    /// <summary>Releases a held ticket; it may go on then.</summary>
    public void Release(IWrite write, long id, string actor)
    {
        var row = RequireOpen(write, id);
        if (row.Held == 0)
            throw Problem.Conflict($"ticket {id} is not held");
        blocks.Hold(write, row, isHeld: false, actor, reason: null);
        moves.Continue(write, id);
    }

    /// <summary>Places a ticket above another one of its column; 0 is the column's end.</summary>
    public void Place(IWrite write, long id, long before)
    {
        var row = RequireOpen(write, id);
        var workflow = rules.WorkflowOf(row);
        var phases = workflow.ColumnOf(row.PhaseId)?.PhaseMapping ?? [row.PhaseId];
        var others = write
            .Db.Query<(long Id, double Rank)>(
                PlacesSql,
                new
                {
                    row.Workflow,
                    phases = TicketRow.Json(phases),
                    id,
                }
            )
            .ToList();
        var at = before == 0 ? others.Count : others.FindIndex(o => o.Id == before);
        if (at < 0)
            throw Problem.Conflict(
                $"ticket {before} is not an open ticket of the column of ticket {id}; name one that is, or move ticket "
                    + $"{id} to that column first"
            );
        if (Between(others, at) is not { } rank)
        {
            // Numbers between two neighbours have run out.
            for (var i = 0; i < others.Count; i++)
            {
                var other = TicketTable.Require(write.Db, others[i].Id);
                table.Put(write, other, other with { Rank = i + 1 });
                others[i] = (other.Id, i + 1);
            }

            rank = Between(others, at)!.Value;
        }

        table.Put(write, row, row with { Rank = rank });
    }

    private static double? Between(List<(long Id, double Rank)> others, int at)
    {
        if (others.Count == 0)
            return 1;
        if (at == others.Count)
            return others[^1].Rank + 1;
        var above = at == 0 ? others[0].Rank - 2 : others[at - 1].Rank;
        var rank = above + ((others[at].Rank - above) / 2);
        return rank > above && rank < others[at].Rank ? rank : null;
    }

    private static TicketRow RequireOpen(IWrite write, long id)
    {
        var row = TicketTable.Require(write.Db, id);
        return row.IsDone ? throw MoveRules.Ended(row)
            : row.IsPending ? throw MoveRules.Pending(row)
            : row;
    }

    // The phase that a status means for a ticket: one that it may move to, else the first of that status.
    private static Phase Named(Workflow workflow, TicketRow row, string status)
    {
        if (status == "building-done")
            throw Problem.Invalid(
                "'building-done' follows from the gate of a phase whose status is building; it cannot be set"
            );
        if (!Statuses.Contains(status))
            throw Problem.Invalid($"'to_status' can be {string.Join(", ", Statuses)}");
        var targets = workflow.PhaseOf(row.PhaseId) is { } phase ? workflow.TargetsOf(phase) : [];
        Phase[] named = [.. workflow.Phases.Where(p => p.Id != Phase.BlockedId && Ways.Word(p.Status) == status)];
        return (row.Blocked is null ? null : named.FirstOrDefault(p => p.Id == row.PhaseId))
            ?? named.FirstOrDefault(p => targets.Contains(p.Id))
            ?? named.FirstOrDefault()
            ?? throw Problem.Invalid($"no phase of the workflow '{workflow.Name}' has the status {status}");
    }

    private const string PlacesSql = """
        SELECT id, rank
          FROM tickets INDEXED BY tickets_open
         WHERE workflow = @Workflow AND done_at IS NULL AND approval = 'approved' AND id <> @id
           AND phase_id IN (SELECT value FROM json_each(@phases))
         ORDER BY rank, id
        """;
}
