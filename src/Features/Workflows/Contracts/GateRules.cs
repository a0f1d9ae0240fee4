using Hive.Protocol;

namespace Hive.Features.Workflows.Contracts;

/// <summary>The criteria that a phase's gate has in effect.</summary>
internal static class GateRules
{
    /// <summary>
    /// The criteria of the phase's gate, and one for each required expected output that they do not name. Without a
    /// gate: that its tasks are complete when it has templates, and its required outputs. Empty for a gate that asks
    /// nothing.
    /// </summary>
    public static IReadOnlyList<Criterion> Effective(Phase phase)
    {
        var outputs = phase
            .ExpectedOutputs.Concat(phase.Tasks.SelectMany(t => t.ExpectedOutputs))
            .Where(o => o.Required)
            .Select(o => o.Type)
            .Distinct();
        var written =
            phase.Gate?.Criteria
            ?? (
                phase.Tasks.Count + phase.ExpectedOutputs.Count > 0
                    ? [new Criterion(TasksComplete: phase.Tasks.Count > 0)]
                    : []
            );
        var criteria = written.Where(c => c != new Criterion()).ToList();
        criteria.AddRange(
            outputs.Where(type => criteria.All(c => c.Artifact != type)).Select(type => new Criterion(Artifact: type))
        );
        return criteria;
    }
}
