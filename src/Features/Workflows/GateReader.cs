using Hive.Common.Doors;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Reads the gates of a workflow's phases.</summary>
internal sealed class GateReader(YamlFaults faults, WorkflowMarks marks)
{
    private static readonly string[] GateKeys = ["criteria", "max_iterations", "on_fail"];

    private static readonly string[] CriterionKinds = ["tasks_complete", "artifact", "metric", "validator", "operator"];

    private static readonly string[] CriterionKeys =
    [
        .. CriterionKinds,
        "min_count",
        "min_length",
        "sections",
        "field",
        "at_least",
        "at_most",
        "flag",
        "commit",
        "capabilities",
    ];

    /// <summary>Reads the gate of a phase; null when it has none.</summary>
    public Gate? Read(YamlSection phase, string? phaseId)
    {
        if (faults.Try(() => phase.Inner("gate", GateKeys)) is not { } gate)
            return null;
        var onFail = faults.Line(gate, "on_fail", 50);
        if (phaseId is not null && onFail is not null)
            marks.OnFail[phaseId] = gate.Mark("on_fail");
        List<Criterion> criteria = [];
        foreach (var section in faults.Try(() => gate.Sections("criteria", CriterionKeys)) ?? [])
        {
            if (ReadCriterion(section) is not { } criterion)
                continue;
            if (phaseId is not null && criterion.Artifact is not null)
                marks.Artifacts.Add((phaseId, criterion.Artifact, section.Mark("artifact")));
            // A review belongs to its question.
            if (
                (criterion.Validator ?? criterion.Operator) is { } question
                && criteria.Exists(c => (c.Validator ?? c.Operator) == question)
            )
                faults.Add(
                    section.Begin,
                    "another criterion of the gate asks the same question; ask something else, or leave one of them out"
                );
            criteria.Add(criterion);
        }

        return new Gate(
            Criteria: criteria,
            MaxIterations: faults.Try(() => gate.Number("max_iterations", 1, 10, "a whole number")) ?? 3,
            OnFail: onFail
        );
    }

    private Criterion? ReadCriterion(YamlSection section)
    {
        string[] kinds = [.. CriterionKinds.Where(section.Keys.Contains)];
        if (kinds.Length != 1)
        {
            faults.Add(
                section.Begin,
                kinds.Length == 0
                    ? $"a criterion needs one of {string.Join(", ", CriterionKinds)}"
                    : $"a criterion is one of {string.Join(" and ", kinds)}; make an entry of each"
            );
            return null;
        }

        string[] fitting = kinds[0] switch
        {
            "artifact" => ["min_count", "min_length", "sections", "field", "at_least", "at_most", "flag", "commit"],
            "metric" => ["at_least", "at_most"],
            "validator" => ["capabilities"],
            _ => [],
        };
        foreach (var key in section.Keys.Where(k => k != kinds[0] && !fitting.Contains(k)))
            faults.Add(
                section.Mark(key),
                $"'{key}' does not belong to '{kinds[0]}'"
                    + (fitting.Length > 0 ? $"; it may have {string.Join(", ", fitting)}" : "")
            );
        if (kinds[0] == "tasks_complete")
        {
            if (faults.Try(() => section.Truth("tasks_complete")) == false)
                faults.Add(section.Mark("tasks_complete"), "'tasks_complete' can only be true; leave the entry out");
            return new Criterion(TasksComplete: true);
        }

        var (atLeast, atMost) = (Bound(section, "at_least"), Bound(section, "at_most"));
        var field = faults.Line(section, "field", 100);
        var hasBound = section.Keys.Contains("at_least") || section.Keys.Contains("at_most");
        if (kinds[0] == "artifact" && hasBound != (field is not null))
            faults.Add(section.Begin, "'field' and one of 'at_least' and 'at_most' go together");
        if (kinds[0] == "metric" && !hasBound)
            faults.Add(section.Begin, "'metric' needs 'at_least' or 'at_most'");
        var metric = faults.Line(section, "metric", 100);
        // The gate would never pass: no agent can hand one in.
        if (metric is not null && !TextRules.IsMemberName(metric))
            faults.Add(section.Mark("metric"), $"no agent can hand in this metric; {TextRules.MemberNames}");
        return new Criterion(
            Artifact: faults.Line(section, "artifact", 100),
            MinCount: faults.Try(() => section.Number("min_count", 1, 1000, "a whole number")),
            MinLength: faults.Try(() => section.Number("min_length", 1, 1 << 20, "a whole number of characters")),
            Sections: faults.Texts(section, "sections") is { Count: > 0 } sections ? sections : null,
            Field: field,
            AtLeast: atLeast,
            AtMost: atMost,
            Flag: faults.Line(section, "flag", 100),
            Commit: ReadCommit(section),
            Metric: metric,
            Validator: faults.Text(section, "validator", 1000),
            Operator: faults.Text(section, "operator", 1000),
            Capabilities: faults.Capabilities(section) is { Count: > 0 } capabilities ? capabilities : null
        );
    }

    private CommitCriterion? ReadCommit(YamlSection section) =>
        faults.Try(() => section.Inner("commit", ["merged_into"])) is { } commit
            ? new CommitCriterion(faults.Line(commit, "merged_into", 200))
            : null;

    private decimal? Bound(YamlSection section, string key) =>
        faults.Fraction(section, key, -1_000_000_000, 1_000_000_000);
}
