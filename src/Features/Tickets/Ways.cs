using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Answers where the tickets of a workflow can go.</summary>
internal static class Ways
{
    private static readonly Phase Overlay = new(
        Phase.BlockedId,
        "Blocked",
        PhaseStatus.Backlog,
        [],
        false,
        [],
        [],
        [],
        []
    );

    /// <summary>The phase of that id, or null.</summary>
    public static Phase? PhaseOf(this Workflow workflow, string id) => workflow.Phases.FirstOrDefault(p => p.Id == id);

    /// <summary>The phase of that id.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>, with the phases of the workflow.</exception>
    public static Phase RequirePhase(this Workflow workflow, string id)
    {
        if (workflow.PhaseOf(id) is { } phase)
            return phase;
        throw Problem.Invalid(
            $"'{TextRules.CutCharacters(id, 60)}' is not a phase of the workflow '{workflow.Name}'; "
                + $"its phases: {string.Join(", ", workflow.Phases.Select(p => p.Id))}"
        );
    }

    /// <summary>The phase to which a ticket is to be moved. The overlay is one also where the workflow does not have
    /// its phase: a move there blocks the ticket.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>, with the phases of the workflow.</exception>
    public static Phase RequireTarget(this Workflow workflow, string id) =>
        id == Phase.BlockedId ? workflow.PhaseOf(id) ?? Overlay : workflow.RequirePhase(id);

    /// <summary>The column in which the tickets of a phase stand; null for a phase that is in none.</summary>
    public static BoardColumn? ColumnOf(this Workflow workflow, string phase) =>
        workflow.BoardColumns.FirstOrDefault(c => c.PhaseMapping.Contains(phase));

    /// <summary>The phase that a ticket goes to by itself once the gate of its phase has passed; null for
    /// none.</summary>
    public static Phase? NextOf(this Workflow workflow, Phase phase)
    {
        var id =
            phase.Next
            ?? (
                workflow.ColumnOf(phase.Id)?.AutoTransitionTo is { } to
                    ? workflow.BoardColumns.FirstOrDefault(c => c.Id == to)?.PhaseMapping[0]
                    : null
            );
        return id is null || id == phase.Id ? null : workflow.PhaseOf(id);
    }

    /// <summary>The phases that a ticket may move to from a phase.</summary>
    public static IReadOnlyList<string> TargetsOf(this Workflow workflow, Phase phase) =>
        [
            .. phase
                .AllowedTransitions.Append(workflow.NextOf(phase)?.Id!)
                .Where(id => id is not null && id != phase.Id)
                .Distinct(),
        ];

    /// <summary>True when a phase comes after another one in the workflow.</summary>
    public static bool IsAhead(this Workflow workflow, string phase, string of) =>
        Order(workflow, phase) > Order(workflow, of);

    /// <summary>The phases that end the block of a ticket that is moved there: work is done in them.</summary>
    public static bool EndsBlock(Phase phase) =>
        phase is { Terminal: false, Status: PhaseStatus.Analyzing or PhaseStatus.Building or PhaseStatus.Testing };

    /// <summary>True for a phase whose gate asks nothing, so that entering it passes the gate.</summary>
    public static bool AsksNothing(Phase phase) => GateRules.Effective(phase).Count == 0;

    /// <summary>The word of a phase's status.</summary>
    public static string Word(PhaseStatus status) =>
        status switch
        {
            PhaseStatus.Backlog => "backlog",
            PhaseStatus.Analyzing => "analyzing",
            PhaseStatus.Building => "building",
            PhaseStatus.Testing => "testing",
            _ => "done",
        };

    private static int Order(Workflow workflow, string phase)
    {
        for (var i = 0; i < workflow.Phases.Count; i++)
        {
            if (workflow.Phases[i].Id == phase)
                return i;
        }

        return -1;
    }
}
