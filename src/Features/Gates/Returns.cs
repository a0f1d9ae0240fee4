using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>The last time that somebody sent a ticket back to a phase or to one before it. The gate of the phase is
/// passed again, and evidence of before does not count.</summary>
/// <param name="ToPhase">The phase that the ticket came back to.</param>
/// <param name="Rev">The state of the evidence since then; verdicts on an earlier one are out of date.</param>
/// <param name="Metric">The newest metric of that time; it and those before it are out of date.</param>
/// <param name="Tasks">The tasks of the phase that were completed.</param>
internal sealed record Return(string ToPhase, long Rev, long Metric, IReadOnlyList<long> Tasks)
{
    /// <summary>True for a verdict that was given after it.</summary>
    public bool IsBefore(Verdict verdict) => verdict.Rev >= Rev;

    /// <summary>True for a metric that was recorded after it.</summary>
    public bool IsBefore(Metric metric) => metric.Id > Metric;

    /// <summary>True for a task that was completed after it.</summary>
    public bool IsBefore(TaskEntry task) => task.Status == "completed" && !Tasks.Contains(task.Id);
}

/// <summary>Notes when somebody sends a ticket back. A gate that sends its ticket back by itself does not count: it
/// names what has to be handed in again, and the rest of the evidence stays.</summary>
internal sealed class Returns(ITasks tasks, IWorkflows workflows, Reviews reviews, TimeProvider clock)
{
    /// <summary>Notes that a ticket entered a phase, if it was sent back there.</summary>
    public void Note(IWrite write, TicketEntry ticket, Phase phase, string actor)
    {
        if (actor == Principals.System || ticket.PreviousPhaseId is not { } left)
            return;
        var order = (workflows.Find(ticket.Workflow)?.Phases ?? []).Select(p => p.Id).ToList();
        var (to, from) = (order.IndexOf(phase.Id), order.IndexOf(left));
        if (to < 0 || from <= to)
            return;
        var again = order[to..(from + 1)];
        ArtifactTable.Supersede(write, ticket.Id, again, clock.GetUtcNow());
        reviews.Void(write, ticket.Id, again, replaced: null);
        var completed = tasks.Completed(write.Db, ticket.Id).ToLookup(t => t.PhaseId, t => t.Id);
        foreach (var id in again)
            write.Db.Execute(
                StoreSql,
                new
                {
                    ticket = ticket.Id,
                    phaseId = id,
                    toPhase = phase.Id,
                    rev = ticket.GateRev,
                    tasks = JsonSerializer.Serialize(completed[id], WireJson.Options),
                }
            );
    }

    /// <summary>The last return of a ticket that concerns a phase; null for none.</summary>
    public static Return? Of(DbConnection db, long ticket, string phaseId) =>
        db.QuerySingleOrDefault<Row>(
            """
            SELECT to_phase, rev, metric, tasks
              FROM phase_returns
             WHERE ticket = @ticket AND phase_id = @phaseId
            """,
            new { ticket, phaseId }
        )
            is { } row
            ? new Return(
                row.ToPhase,
                row.Rev,
                row.Metric,
                JsonSerializer.Deserialize<long[]>(row.Tasks, WireJson.Options)!
            )
            : null;

    /// <summary>Does not count the verdict on the present evidence as a failure.</summary>
    public static void Excuse(IWrite write, GateCase gate) =>
        write.Db.Execute(
            "UPDATE phase_returns SET rev = @rev WHERE ticket = @ticket AND phase_id = @phaseId",
            new
            {
                ticket = gate.Ticket.Id,
                phaseId = gate.Phase.Id,
                rev = gate.Ticket.GateRev + 1,
            }
        );

    public static void RemoveOf(IWrite write, long ticket) =>
        write.Db.Execute("DELETE FROM phase_returns WHERE ticket = @ticket", new { ticket });

    private const string StoreSql = """
        INSERT OR REPLACE INTO phase_returns (ticket, phase_id, to_phase, rev, metric, tasks)
        VALUES (@ticket, @phaseId, @toPhase, @rev, (SELECT coalesce(max(id), 0) FROM metrics), @tasks)
        """;

    private sealed record Row
    {
        public required string ToPhase { get; init; }

        public required long Rev { get; init; }

        public required long Metric { get; init; }

        public required string Tasks { get; init; }
    }
}
