using System.Text.RegularExpressions;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Reads the task templates and the expected outputs of a workflow's phases.</summary>
internal sealed partial class TemplateReader(YamlFaults faults, WorkflowMarks marks)
{
    private const int MaxTasks = 50;

    private static readonly string[] OutputKeys = ["type", "pattern", "required", "validation_rule"];

    private static readonly string[] TaskKeys =
    [
        "type",
        "title",
        "description",
        "priority",
        "capabilities",
        "depends_on",
        "quorum",
        "locks",
        "timeout_seconds",
        "max_retries",
        "estimate_usd",
        "review",
        "agent",
        "expected_outputs",
    ];

    /// <summary>Reads the expected outputs of a phase or a template.</summary>
    public List<ExpectedOutput> Outputs(YamlSection of)
    {
        List<ExpectedOutput> outputs = [];
        foreach (var output in faults.Try(() => of.Sections("expected_outputs", OutputKeys)) ?? [])
        {
            var type = faults.Required(output, "type", 100);
            var rule = faults.Line(output, "validation_rule", 200);
            if (rule is not null && !KnownRule().IsMatch(rule))
                faults.Warn(
                    output.Mark("validation_rule"),
                    "this rule is kept as a text; rules are 'min_length: n' and 'min_passing: n'"
                );
            var pattern = faults.Line(output, "pattern", 500);
            if (pattern is ['/', .., '/'] && pattern.Length > 2 && RegexFault(pattern[1..^1]) is { } fault)
                faults.Add(output.Mark("pattern"), fault);
            if (type is not null)
                outputs.Add(
                    new ExpectedOutput(
                        Type: type,
                        Pattern: pattern,
                        Required: faults.Try(() => output.Truth("required")) ?? true,
                        ValidationRule: rule
                    )
                );
        }

        return outputs;
    }

    /// <summary>Reads the templates of a phase.</summary>
    public List<TaskTemplate> Read(YamlSection phase, string? phaseId)
    {
        var sections = faults.Try(() => phase.Sections("tasks", TaskKeys)) ?? [];
        faults.Counted(phase, "tasks", sections.Count, MaxTasks);
        Dictionary<string, YamlMark> types = [];
        List<TaskTemplate> templates = [];
        foreach (var task in sections)
        {
            var type = faults.Required(task, "type", 100);
            if (type is not null)
                faults.Once(types, type, task.Mark("type"), "task type");
            var title = faults.Required(task, "title", 500);
            var description = faults.Text(task, "description", WorkflowReader.Limits.MaxText);
            Placeholders(title, task.Mark("title"));
            Placeholders(description, task.Mark("description"));
            var depends = faults.Try(() => task.Texts("depends_on")) ?? [];
            if (phaseId is not null && type is not null)
                marks.Depends.AddRange(depends.Select(d => (phaseId, type, d.Text.Trim(), d.At)));
            string[] on = [.. depends.Select(d => d.Text.Trim()).Distinct()];
            templates.Add(
                new TaskTemplate(
                    Type: type ?? "",
                    Title: title ?? "",
                    Description: description,
                    Priority: faults.OneOf(task, "priority", DefinitionValues.Priorities) ?? "MEDIUM",
                    Capabilities: faults.Capabilities(task),
                    DependsOn: on,
                    Quorum: faults.Quorum(task, on.Length),
                    Locks: Locks(task),
                    TimeoutSeconds: faults.Try(() =>
                        task.Number("timeout_seconds", 1, 30 * 86400, "a whole number of seconds")
                    ),
                    MaxRetries: faults.Try(() => task.Number("max_retries", 0, 100, "a whole number")),
                    EstimateUsd: faults.Fraction(task, "estimate_usd", 0, 1_000_000),
                    Review: faults.OneOf(task, "review", ["validator"]),
                    Agent: faults.Line(task, "agent", 64),
                    ExpectedOutputs: Outputs(task)
                )
            );
        }

        return templates;
    }

    private List<string> Locks(YamlSection task)
    {
        List<string> locks = [];
        foreach (var (text, at) in faults.Try(() => task.Texts("locks")) ?? [])
        {
            if (!LockName().IsMatch(text))
                faults.Add(at, $"'{YamlSection.Shown(text)}' must be '<type>:<id>', such as repo:shop");
            Placeholders(text, at);
            locks.Add(text);
        }

        return locks;
    }

    private void Placeholders(string? text, YamlMark at)
    {
        foreach (Match match in Placeholder().Matches(text ?? ""))
        {
            if (!WorkflowRules.Placeholders.Contains(match.Groups[1].Value))
                faults.Add(
                    at,
                    $"unknown placeholder {match.Value}; available: "
                        + string.Join(", ", WorkflowRules.Placeholders.Select(p => $"{{{p}}}"))
                );
        }
    }

    private static string? RegexFault(string expression)
    {
        try
        {
            _ = new Regex(expression, RegexOptions.NonBacktracking);
            return null;
        }
        catch (Exception e) when (e is ArgumentException or NotSupportedException)
        {
            return $"the expression cannot be used: {e.Message}";
        }
    }

    [GeneratedRegex(@"\A(min_length|min_passing):\s*[0-9]{1,7}\z")]
    private static partial Regex KnownRule();

    [GeneratedRegex(@"\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Placeholder();

    [GeneratedRegex(@"\A[a-z][a-z0-9_]{0,49}:[^\s\p{Cc}][^\p{Cc}]{0,199}\z")]
    private static partial Regex LockName();
}
