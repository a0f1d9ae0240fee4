using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Writes a workflow as YAML: keys in a fixed order, defaults left out, so that equal workflows have equal
/// texts.</summary>
internal static class WorkflowWriter
{
    /// <summary>The workflow in Hive's own keys.</summary>
    public static string Own(Workflow workflow) =>
        new YamlMapping()
            .Add("name", workflow.Name)
            .Add("title", workflow.Title)
            .Add("has_result", workflow.HasResult, usual: true)
            .Add("result_criteria", workflow.ResultCriteria)
            .Add("on_result_found", WordUnless(workflow.OnResultFound, OnResultFound.StopAll))
            .Add("phases", workflow.Phases.Select(Own))
            .Add("board_columns", workflow.BoardColumns.Select(Own))
            .ToString();

    /// <summary>The workflow in upstream's keys; what those cannot say is left out.</summary>
    public static string Upstreams(Workflow workflow) =>
        new YamlMapping()
            .Add("name", workflow.Name)
            .Add("has_result", workflow.HasResult, usual: !workflow.HasResult)
            .Add("result_criteria", workflow.ResultCriteria)
            .Add("on_result_found", WorkflowWords.Of(workflow.OnResultFound))
            .Add("phases", workflow.Phases.Select(Upstreams))
            .Add("board_columns", workflow.BoardColumns.Select(Upstreams))
            .ToString();

    private static YamlMapping Own(Phase phase) =>
        new YamlMapping()
            .Add("id", phase.Id)
            .Add("name", phase.Name)
            .Add("description", phase.Description)
            .Add("status", WordUnless(phase.Status, WorkflowReader.UsualStatus(phase.Id, phase.Terminal)))
            .Add("allowed_transitions", phase.AllowedTransitions)
            .Add("next", phase.Next)
            .Add("terminal", phase.Terminal, usual: false)
            .Add("max_active", phase.MaxActive)
            .Add("done_definitions", phase.DoneDefinitions)
            .Add("expected_outputs", phase.ExpectedOutputs.Select(Own))
            .Add("phase_prompt", phase.PhasePrompt)
            .Add("next_steps_guide", phase.NextStepsGuide)
            .Add("tasks", phase.Tasks.Select(Own))
            .Add("gate", phase.Gate is { } gate ? Own(gate) : null);

    private static YamlMapping Own(ExpectedOutput output) =>
        new YamlMapping()
            .Add("type", output.Type)
            .Add("pattern", output.Pattern)
            .Add("required", output.Required, usual: true)
            .Add("validation_rule", output.ValidationRule);

    private static YamlMapping Own(TaskTemplate task) =>
        new YamlMapping()
            .Add("type", task.Type)
            .Add("title", task.Title)
            .Add("description", task.Description)
            .Add("priority", task.Priority == "MEDIUM" ? null : task.Priority)
            .Add("capabilities", task.Capabilities)
            .Add("depends_on", task.DependsOn)
            .AddQuorum(task.Quorum)
            .Add("locks", task.Locks)
            .Add("timeout_seconds", task.TimeoutSeconds)
            .Add("max_retries", task.MaxRetries)
            .Add("estimate_usd", task.EstimateUsd)
            .Add("review", task.Review)
            .Add("agent", task.Agent)
            .Add("expected_outputs", task.ExpectedOutputs.Select(Own));

    private static YamlMapping Own(Gate gate) =>
        new YamlMapping()
            .Add("criteria", gate.Criteria.Select(Own))
            .Add("max_iterations", gate.MaxIterations == 3 ? (int?)null : gate.MaxIterations)
            .Add("on_fail", gate.OnFail);

    private static YamlMapping Own(Criterion criterion) =>
        new YamlMapping()
            .Add("tasks_complete", criterion.TasksComplete, usual: false)
            .Add("artifact", criterion.Artifact)
            .Add("metric", criterion.Metric)
            .Add("validator", criterion.Validator)
            .Add("operator", criterion.Operator)
            .Add("min_count", criterion.MinCount)
            .Add("min_length", criterion.MinLength)
            .Add("sections", criterion.Sections)
            .Add("field", criterion.Field)
            .Add("at_least", criterion.AtLeast)
            .Add("at_most", criterion.AtMost)
            .Add("flag", criterion.Flag)
            .Add(
                "commit",
                criterion.Commit is { } commit ? new YamlMapping().Add("merged_into", commit.MergedInto) : null
            )
            .Add("capabilities", criterion.Capabilities);

    private static YamlMapping Own(BoardColumn column) =>
        new YamlMapping()
            .Add("id", column.Id)
            .Add("name", column.Name)
            .Add("description", column.Description)
            .Add("phase_mapping", column.PhaseMapping)
            .Add("wip_limit", column.WipLimit)
            .Add("auto_transition_to", column.AutoTransitionTo)
            .Add("pull", WordUnless(column.Pull, ColumnPull.Auto))
            .Add("terminal", column.Terminal, usual: false)
            .Add("color_theme", column.ColorTheme);

    private static YamlMapping Upstreams(Phase phase, int order) =>
        new YamlMapping()
            .Add("id", phase.Id)
            .Add("name", phase.Name)
            .Add("description", phase.Description)
            .Add("sequence_order", order)
            .Add("allowed_transitions", phase.AllowedTransitions)
            .Add("is_terminal", phase.Terminal, usual: !phase.Terminal)
            .Add("done_definitions", phase.DoneDefinitions)
            .Add("expected_outputs", phase.ExpectedOutputs.Select(Own))
            .Add("phase_prompt", phase.PhasePrompt)
            .Add("next_steps_guide", phase.NextStepsGuide);

    private static YamlMapping Upstreams(BoardColumn column, int order) =>
        new YamlMapping()
            .Add("id", column.Id)
            .Add("name", column.Name)
            .Add("description", column.Description)
            .Add("sequence_order", order)
            .Add("phase_mapping", column.PhaseMapping)
            .Add("wip_limit", column.WipLimit)
            .Add("is_terminal", column.Terminal, usual: !column.Terminal)
            .Add("auto_transition_to", column.AutoTransitionTo)
            .Add("color_theme", column.ColorTheme);

    /// <summary>Adds a quorum; a number is written as one.</summary>
    public static YamlMapping AddQuorum(this YamlMapping mapping, string? quorum) =>
        int.TryParse(quorum, out var number) ? mapping.Add("quorum", number) : mapping.Add("quorum", quorum);

    private static string? WordUnless<T>(T value, T usual)
        where T : struct, Enum => value.Equals(usual) ? null : WorkflowWords.Of(value);
}
