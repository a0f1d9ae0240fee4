using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>A phase by the names of <c>/api/v1</c>.</summary>
internal sealed record PhaseConfig(
    string PhaseId,
    string Name,
    string? Description,
    int SequenceOrder,
    IReadOnlyList<string> AllowedTransitions,
    bool IsTerminal,
    IReadOnlyList<string> DoneDefinitions,
    IReadOnlyList<ExpectedOutput> ExpectedOutputs,
    string? PhasePrompt,
    IReadOnlyList<string> NextStepsGuide,
    string Workflow,
    PhaseStatus Status,
    string? Next
)
{
    /// <summary>The phases of a workflow, each with its place in it.</summary>
    public static IReadOnlyList<PhaseConfig> Of(Workflow workflow) =>
        [
            .. workflow.Phases.Select(
                (p, i) =>
                    new PhaseConfig(
                        p.Id,
                        p.Name,
                        p.Description,
                        i,
                        p.AllowedTransitions,
                        p.Terminal,
                        p.DoneDefinitions,
                        p.ExpectedOutputs,
                        p.PhasePrompt,
                        p.NextStepsGuide,
                        workflow.Name,
                        p.Status,
                        p.Next
                    )
            ),
        ];
}
