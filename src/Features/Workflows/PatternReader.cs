using System.Text;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Yaml;
using Hive.Protocol;

namespace Hive.Features.Workflows;

/// <summary>Reads a pattern's YAML, and checks it as a whole.</summary>
internal sealed partial class PatternReader
{
    private const int MaxSteps = 50;
    private const int MaxParameters = 50;

    // As for a merge that is made by itself.
    private const int MaxFields = 50;

    // The member of the list in a step with 'for_each'.
    private const string Item = "item";

    private static readonly string[] StepKeys =
    [
        "ref",
        "kind",
        "for_each",
        "task_type",
        "title",
        "description",
        "phase_id",
        "priority",
        "capabilities",
        "agent",
        "depends_on",
        "quorum",
        "merge_strategy",
        "fields",
        "timeout_seconds",
    ];

    private readonly YamlFaults faults;
    private readonly List<(string Ref, string On, YamlMark At)> depends = [];

    // The steps that make a task for each member of a list, which is known only when the pattern is applied.
    private readonly HashSet<string> repeated = [];

    private PatternReader(YamlFaults faults) => this.faults = faults;

    /// <summary>Reads and checks a pattern.</summary>
    /// <exception cref="Problem">Code <c>too_large</c> or <c>invalid</c>, with every fault.</exception>
    public static Pattern Read(string text)
    {
        var (pattern, _) = StrictYaml.ReadAll(
            Encoding.UTF8.GetBytes(text),
            WorkflowReader.Limits,
            ["pattern"],
            (root, faults) => new PatternReader(faults).Root(root)
        );
        WorkflowReader.MustLoadAgain(Write(pattern));
        return pattern;
    }

    /// <summary>Writes a pattern: keys in a fixed order, defaults left out.</summary>
    public static string Write(Pattern pattern)
    {
        var parameters = new YamlMapping();
        foreach (var (name, type) in pattern.Parameters)
            parameters.Add(name, WorkflowWords.Of(type));
        return new YamlMapping()
            .Add(
                "pattern",
                new YamlMapping()
                    .Add("name", pattern.Name)
                    .Add("description", pattern.Description)
                    .Add("parameters", pattern.Parameters.Count == 0 ? null : parameters)
                    .Add("steps", pattern.Steps.Select(Write))
            )
            .ToString();
    }

    private static YamlMapping Write(PatternStep step) =>
        new YamlMapping()
            .Add("ref", step.Ref)
            .Add("kind", step.Kind == PatternStepKind.Work ? null : WorkflowWords.Of(step.Kind))
            .Add("for_each", step.ForEach)
            .Add("task_type", step.TaskType)
            .Add("title", step.Title)
            .Add("description", step.Description)
            .Add("phase_id", step.PhaseId)
            .Add("priority", step.Priority)
            .Add("capabilities", step.Capabilities)
            .Add("agent", step.Agent)
            .Add("depends_on", step.DependsOn)
            .AddQuorum(step.Quorum)
            .Add("merge_strategy", step.MergeStrategy)
            .Add("fields", step.Fields)
            .Add("timeout_seconds", step.TimeoutSeconds);

    private Pattern? Root(YamlSection root)
    {
        if (faults.Try(() => root.Inner("pattern", ["name", "description", "parameters", "steps"])) is not { } pattern)
        {
            if (!root.Keys.Contains("pattern"))
                faults.Add(root.Begin, "'pattern' is missing");
            return null;
        }

        var name = faults.Name(pattern);
        var description = faults.Text(pattern, "description", 4096);
        var parameters = Parameters(pattern);
        var sections = faults.Try(() => pattern.Sections("steps", StepKeys)) ?? [];
        if (sections.Count is 0 or > MaxSteps)
            faults.Add(pattern.Mark("steps"), $"a pattern has 1 to {MaxSteps} steps");
        repeated.UnionWith(
            sections.Where(s => s.Keys.Contains("for_each")).Select(s => faults.Try(() => s.Text("ref"))?.Trim() ?? "")
        );
        Dictionary<string, YamlMark> refs = [];
        List<PatternStep> steps = [.. sections.Select(s => Step(s, parameters, refs))];
        foreach (var (step, on, at) in depends.Where(d => !refs.ContainsKey(d.On)))
            faults.Add(
                at,
                $"'{step}' depends on '{YamlSection.Shown(on)}', which is not a step; available: "
                    + string.Join(", ", refs.Keys)
            );
        if (!faults.Any && WorkflowRules.Circle(steps.ToDictionary(s => s.Ref, s => s.DependsOn)) is { } path)
            faults.Add(
                depends.First(d => d.Ref == path[0] && d.On == path[1]).At,
                $"the steps depend on each other in a circle: {string.Join(" → ", path)}"
            );
        return new Pattern(Name: name ?? "", Description: description, Parameters: parameters, Steps: steps);
    }

    private Dictionary<string, PatternParameter> Parameters(YamlSection pattern)
    {
        Dictionary<string, PatternParameter> parameters = [];
        var words = Enum.GetValues<PatternParameter>().ToDictionary(WorkflowWords.Of);
        foreach (var (key, text, at) in faults.Try(() => pattern.Pairs("parameters")) ?? [])
        {
            if (!Word().IsMatch(key) || key == Item)
                faults.Add(at, $"'{YamlSection.Shown(key)}' must be a-z, 0-9 and _, and cannot be 'item'");
            else if (!words.TryGetValue(text, out var type))
                faults.Add(
                    at,
                    $"the type of '{key}' is '{YamlSection.Shown(text)}'; it can be {string.Join(", ", words.Keys)}"
                );
            else
                parameters[key] = type;
        }

        if (parameters.Count > MaxParameters)
            faults.Add(pattern.Mark("parameters"), $"a pattern has at most {MaxParameters} parameters");
        return parameters;
    }

    private PatternStep Step(
        YamlSection step,
        Dictionary<string, PatternParameter> parameters,
        Dictionary<string, YamlMark> refs
    )
    {
        var name = faults.Required(step, "ref", 50) ?? "";
        if (name.Length > 0 && !Word().IsMatch(name))
            faults.Add(step.Mark("ref"), "'ref' must be a-z, 0-9 and _");
        else if (name.Length > 0 && !refs.TryAdd(name, step.Mark("ref")))
            faults.Add(step.Mark("ref"), $"the step '{name}' is defined twice; the other is on line {refs[name].Line}");
        var kind = faults.Word(step, "kind", PatternStepKind.Work);
        var each = faults.Line(step, "for_each", 50);
        if (each is not null && (!parameters.TryGetValue(each, out var type) || type != PatternParameter.List))
            faults.Add(step.Mark("for_each"), "'for_each' must name a parameter of type list");
        var strategy = faults.OneOf(step, "merge_strategy", ["combine", "union", "intersection", "custom"]);
        string[] unfitting = kind switch
        {
            PatternStepKind.Work => ["merge_strategy"],
            PatternStepKind.Barrier => ["merge_strategy", "fields", "agent", "capabilities", "for_each"],
            _ => ["agent", "capabilities", "for_each"],
        };
        foreach (var key in unfitting.Where(step.Keys.Contains))
            faults.Add(step.Mark(key), $"'{key}' does not belong to a step of kind {WorkflowWords.Of(kind)}");
        var on = faults.Try(() => step.Texts("depends_on")) ?? [];
        depends.AddRange(on.Select(d => (name, d.Text, d.At)));
        string[] needed = [.. on.Select(d => d.Text).Distinct()];
        if (kind != PatternStepKind.Work && on.Count == 0)
            faults.Add(step.Begin, $"a step of kind {WorkflowWords.Of(kind)} needs 'depends_on'");
        foreach (var key in (string[])["task_type", "title"])
        {
            if (kind == PatternStepKind.Work && !step.Keys.Contains(key))
                faults.Add(step.Begin, $"'{key}' is missing");
        }

        var phase = faults.Line(step, "phase_id", 50);
        if (phase is not null && WorkflowReader.PhaseFault(phase) is { } wrong)
            faults.Add(step.Mark("phase_id"), wrong);
        var fields = faults.Try(() => step.Texts("fields")) ?? [];
        if (kind == PatternStepKind.Work)
        {
            foreach (var (field, at) in fields)
                CheckPlaceholders(field, at, parameters, each);
        }
        else if (strategy == "custom" != (fields.Count > 0))
        {
            faults.Add(step.Begin, "'fields' names what the merge strategy 'custom' takes; give both or neither");
        }

        string[] taken = [.. fields.Select(f => f.Text).Distinct()];
        faults.Counted(step, "fields", taken.Length, MaxFields);
        foreach (
            var (field, at) in fields.Where(f =>
                string.IsNullOrWhiteSpace(f.Text) || f.Text.Length > PatternStep.FieldLength
            )
        )
            faults.Add(at, $"a field has 1 to {PatternStep.FieldLength} characters, and is not blank");
        // A task with one could never be completed: no other name is taken in outputs.
        foreach (var (field, at) in fields)
        {
            if (!string.IsNullOrWhiteSpace(field) && !TextRules.IsMemberName(Placeholder().Replace(field, "x")))
                faults.Add(at, $"no agent can hand in this field; {TextRules.MemberNames}");
        }

        return new PatternStep(
            Ref: name,
            Kind: kind,
            ForEach: each,
            TaskType: faults.Line(step, "task_type", 100),
            Title: Filled(step, "title", 500, parameters, each),
            Description: Filled(step, "description", 4096, parameters, each),
            PhaseId: phase,
            Priority: faults.OneOf(step, "priority", DefinitionValues.Priorities),
            Capabilities: faults.Capabilities(step),
            Agent: Filled(step, "agent", 100, parameters, each),
            DependsOn: needed,
            Quorum: faults.Quorum(step, needed.Any(repeated.Contains) ? null : needed.Length),
            MergeStrategy: strategy,
            Fields: taken,
            TimeoutSeconds: faults.Try(() =>
                step.Number("timeout_seconds", 1, PatternStep.MostSeconds, "a whole number of seconds")
            )
        );
    }

    private string? Filled(
        YamlSection step,
        string key,
        int most,
        Dictionary<string, PatternParameter> parameters,
        string? each
    )
    {
        var text = key == "description" ? faults.Text(step, key, most) : faults.Line(step, key, most);
        CheckPlaceholders(text ?? "", step.Mark(key), parameters, each);
        return text;
    }

    private void CheckPlaceholders(
        string text,
        YamlMark at,
        Dictionary<string, PatternParameter> parameters,
        string? each
    )
    {
        foreach (Match match in Placeholder().Matches(text))
        {
            var name = match.Groups[1].Value;
            if (name == Item ? each is null : !parameters.ContainsKey(name))
                faults.Add(
                    at,
                    $"unknown placeholder {{{name}}}; available: "
                        + string.Join(", ", parameters.Keys.Concat(each is null ? [] : [Item]).DefaultIfEmpty("none"))
                );
        }
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9_]{0,49}\z")]
    private static partial Regex Word();

    [GeneratedRegex(@"\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Placeholder();
}
