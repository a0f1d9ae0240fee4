using System.Data.Common;
using Hive.Common.Errors;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Everything that a gate is judged by, as one state of the database has it.</summary>
/// <param name="Ticket">The ticket.</param>
/// <param name="Phase">The phase whose gate it is.</param>
/// <param name="Earlier">The phases before it.</param>
/// <param name="Tasks">The ticket's tasks, by id.</param>
/// <param name="Artifacts">The ticket's artifacts of this phase and earlier ones that count (see
/// <see cref="Rework.Latest"/>), the newest first.</param>
/// <param name="Metrics">The metrics of the phase's tasks, the newest first.</param>
/// <param name="Reviews">The gate's reviews, the newest first.</param>
/// <param name="Verdicts">The gate's verdicts, the newest first.</param>
/// <param name="Failures">How often the gate ever failed. A review belongs to one of these numbers.</param>
/// <param name="Return">The last time that the ticket was sent back to this phase or to one before it; null for
/// never.</param>
/// <param name="Merges">Which branches contain which commits, as it was found last.</param>
/// <param name="HasLooked">It was found for this judging.</param>
internal sealed record GateCase(
    TicketEntry Ticket,
    Phase Phase,
    IReadOnlyList<string> Earlier,
    IReadOnlyList<TaskEntry> Tasks,
    IReadOnlyList<StoredArtifact> Artifacts,
    IReadOnlyList<Metric> Metrics,
    IReadOnlyList<Review> Reviews,
    IReadOnlyList<Verdict> Verdicts,
    int Failures,
    Return? Return = null,
    IReadOnlyList<MergeLook>? Merges = null,
    bool HasLooked = false
)
{
    /// <summary>The kind of the tasks that validators have; a gate does not count them.</summary>
    public const string ReviewKind = "review";

    /// <summary>The phase's own tasks, without reviews.</summary>
    public IReadOnlyList<TaskEntry> Own { get; } = [.. Tasks.Where(t => t.PhaseId == Phase.Id && t.Kind != ReviewKind)];

    /// <summary>The number of failures after which a person decides.</summary>
    public int MaxIterations => Phase.Gate?.MaxIterations ?? Rounds.Usual;

    /// <summary>The ticket was sent back, and nothing of the phase was done since.</summary>
    public bool IsToDoAgain =>
        Return is { } sent
        && !Own.Any(t => !t.IsJoin && sent.IsBefore(t))
        && Artifacts.All(a => a.Artifact.PhaseId != Phase.Id);

    /// <summary>The failures since the gate last passed, the ticket was sent back, or a person was asked.</summary>
    public Rounds Rounds =>
        Rounds.Of(
            Verdicts.TakeWhile(v => !v.Passed && Return?.IsBefore(v) != false).Reverse().Select(v => v.Reasons),
            MaxIterations
        );
}

/// <summary>Reads what a gate is judged by.</summary>
internal sealed class GateReader(ITickets tickets, ITasks tasks, IWorkflows workflows)
{
    /// <summary>The case of a ticket's gate; null when its workflow does not have the phase any more.</summary>
    public GateCase? Read(DbConnection db, TicketEntry ticket, string phaseId)
    {
        var phases = workflows.Find(ticket.Workflow)?.Phases ?? [];
        var place = phases.ToList().FindIndex(p => p.Id == phaseId);
        if (place < 0)
            return null;
        var phase = phases[place];
        string[] earlier = [.. phases.Take(place).Select(p => p.Id)];
        var all = tasks.Outline(db, ticket.Id);
        var criteria = GateRules.Effective(phase);
        var sent = Returns.Of(db, ticket.Id, phaseId);
        var looked = criteria.Select(c => c.Artifact).OfType<string>().ToHashSet(StringComparer.Ordinal);
        return new GateCase(
            ticket,
            phase,
            earlier,
            all,
            looked.Count == 0 && criteria.All(c => c.Operator is null && c.Validator is null)
                ? []
                :
                [
                    .. Rework
                        .Latest(ArtifactTable.Current(db, ticket.Id), all)
                        .Where(a => a.PhaseId == phaseId || earlier.Contains(a.PhaseId))
                        .Select(a => new StoredArtifact(
                            a,
                            looked.Contains(a.Type) ? ArtifactTable.Content(db, a.Id) : null
                        )),
                ],
            criteria.All(c => c.Metric is null)
                ? []
                :
                [
                    .. all.Where(t => t.PhaseId == phaseId)
                        .SelectMany(t => MetricTable.Of(db, t.Id))
                        .Where(m => sent?.IsBefore(m) != false)
                        .OrderByDescending(m => m.Id),
                ],
            [.. ReviewTable.Of(db, ticket.Id).Where(r => r.PhaseId == phaseId && r.Task is null)],
            VerdictTable.Of(db, ticket.Id, phaseId),
            VerdictTable.Failures(db, ticket.Id, phaseId),
            sent,
            criteria.All(c => c.Commit?.MergedInto is null) ? [] : MergeLooks.Of(db, ticket.Id)
        );
    }

    /// <summary>The case of the gate that a ticket stands at.</summary>
    public GateCase? Read(DbConnection db, TicketEntry ticket) => Read(db, ticket, ticket.PhaseId);

    /// <summary>A gate as the doors show it, and the phase that its ticket stands in.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>: the ticket or the phase.</exception>
    public (GateView View, string Current) Show(DbConnection db, long id, string? phaseId)
    {
        var ticket = tickets.Require(db, id);
        var gate =
            Read(db, ticket, phaseId ?? ticket.PhaseId)
            ?? throw Problem.NotFound(
                $"the workflow of ticket {id} does not have the phase {phaseId ?? ticket.PhaseId}; there are "
                    + string.Join(", ", (workflows.Find(ticket.Workflow)?.Phases ?? []).Select(p => p.Id))
            );
        var status =
            gate.Phase.Id == ticket.PhaseId ? ticket.Gate
            : gate.Verdicts.Count == 0 || gate.Return?.IsBefore(gate.Verdicts[0]) == false ? GateStates.Open
            : gate.Verdicts[0].Passed ? ReviewTable.Passed
            : ReviewTable.Failed;
        return (Judgements.Shown(gate, GateJudge.Judge(gate), status), ticket.PhaseId);
    }

    /// <summary>The ticket of that id.</summary>
    public TicketEntry Require(DbConnection db, long ticket) => tickets.Require(db, ticket);
}
