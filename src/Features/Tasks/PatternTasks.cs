using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>A pattern to be applied.</summary>
/// <param name="Name">The pattern.</param>
/// <param name="Values">A value for each of its parameters, of the parameter's type.</param>
internal sealed record PatternUse(string Name, IReadOnlyDictionary<string, JsonElement>? Values = null);

/// <summary>A task of a pattern, with its values in place.</summary>
/// <param name="Step">How a refusal names it.</param>
/// <param name="Spec">The task.</param>
/// <param name="Of">The step that it comes from.</param>
/// <param name="Pattern">The name of its pattern.</param>
/// <param name="Fields">The fields that its outputs must have, or that it takes as a merge.</param>
internal sealed record PatternTask(
    string Step,
    TaskSpec Spec,
    PatternStep Of,
    string Pattern,
    IReadOnlyList<string> Fields
)
{
    /// <summary>The members of the task that a caller cannot name.</summary>
    public TaskMaking.Origin Origin(string actor) =>
        new(
            actor,
            Kind: Of.Kind switch
            {
                PatternStepKind.Barrier => TaskKind.Barrier,
                PatternStepKind.Merge => TaskKind.Merge,
                _ => TaskKind.Work,
            },
            MergeStrategy: Of.Kind == PatternStepKind.Merge ? Of.MergeStrategy ?? "combine" : null,
            Fields: Fields,
            Pattern: Pattern
        );
}

/// <summary>Puts values into a pattern. They stay values: a value with braces in it is not looked into again.</summary>
internal sealed partial class PatternTasks
{
    private const int TextBytes = 4096;
    private const int MostItems = 100;
    private const string Item = "item";

    private readonly Pattern pattern;
    private readonly IRoster roster;
    private readonly Dictionary<string, string> texts = new(StringComparer.Ordinal);
    private readonly Dictionary<string, string[]> lists = new(StringComparer.Ordinal);

    private PatternTasks(Pattern pattern, IRoster roster) => (this.pattern, this.roster) = (pattern, roster);

    /// <summary>The tasks of a pattern with these values.</summary>
    /// <param name="pattern">The pattern.</param>
    /// <param name="values">A value for each of its parameters.</param>
    /// <param name="roster">The agents.</param>
    /// <param name="given">The number of tasks that are made beside it.</param>
    /// <exception cref="Problem">Code <c>invalid</c>: a value is missing, unknown, of another type or too long, or
    /// they do not fit the steps, or make too many tasks. Code <c>not_found</c>: an agent does not exist.</exception>
    public static IReadOnlyList<PatternTask> Expand(
        Pattern pattern,
        IReadOnlyDictionary<string, JsonElement>? values,
        IRoster roster,
        int given
    )
    {
        var tasks = new PatternTasks(pattern, roster);
        tasks.Read(values ?? new Dictionary<string, JsonElement>());
        tasks.MustFit(given);
        return tasks.All();
    }

    private void Read(IReadOnlyDictionary<string, JsonElement> values)
    {
        if (values.Keys.FirstOrDefault(name => !pattern.Parameters.ContainsKey(name)) is { } unknown)
            throw Fault($"does not have the parameter '{unknown}'; {Available()}");
        foreach (var (name, type) in pattern.Parameters)
        {
            if (!values.TryGetValue(name, out var value) || value.ValueKind == JsonValueKind.Null)
                throw Fault($"needs a value for '{name}'; {Available()}");
            switch (type)
            {
                case PatternParameter.List:
                    lists[name] = Items(name, value);
                    texts[name] = string.Join(", ", lists[name]);
                    break;
                case PatternParameter.Number:
                    texts[name] =
                        value.ValueKind == JsonValueKind.Number
                            ? value.GetRawText()
                            : throw Fault($"needs a number for '{name}', and not {Shown(value)}");
                    break;
                default:
                    texts[name] = Text($"'{name}'", value);
                    if (type == PatternParameter.Agent)
                        roster.Require(texts[name]);
                    break;
            }
        }
    }

    // By numbers alone: a pattern of a few kilobytes can stand for millions of edges.
    private void MustFit(int given)
    {
        var sizes = pattern.Steps.ToDictionary(
            step => step.Ref,
            step => step.ForEach is { } list ? lists[list].Length : 1
        );
        var tasks = sizes.Values.Sum();
        if (tasks + given > TaskMaking.MostAtOnce)
            throw Fault(
                $"makes {tasks} tasks"
                    + (given == 0 ? "" : $", and {given} more {(given == 1 ? "is" : "are")} named")
                    + $"; the limit is {TaskMaking.MostAtOnce} at once; shorten the lists"
            );
        foreach (var step in pattern.Steps)
        {
            var edges = step.DependsOn.Sum(name => sizes[name]);
            if (edges > TaskMaking.MostEdges)
                throw Fault(
                    $"cannot be applied: step '{step.Ref}' waits for {edges} tasks; the limit is "
                        + $"{TaskMaking.MostEdges}; shorten the lists"
                );
        }
    }

    private List<PatternTask> All()
    {
        List<PatternTask> all = [];
        var members = pattern.Steps.ToDictionary(
            step => step.Ref,
            step =>
                step.ForEach is { } list
                    ? [.. lists[list].Select((_, i) => $"{step.Ref}.{i + 1}")]
                    : (string[])[step.Ref]
        );
        foreach (var step in pattern.Steps)
        {
            string[] on = [.. step.DependsOn.SelectMany(name => members[name])];
            if (
                int.TryParse(step.Quorum, NumberStyles.None, CultureInfo.InvariantCulture, out var quorum)
                && quorum > on.Length
            )
                throw Fault($"step '{step.Ref}' needs {quorum} tasks, and waits for {on.Length}; name more");
            string?[] items = step.ForEach is { } list ? (string?[])lists[list] : [null];
            JsonElement[] edges = [.. on.Select(other => JsonSerializer.SerializeToElement(other))];
            all.AddRange(members[step.Ref].Zip(items, (name, item) => Task(step, name, edges, item)));
        }

        return all;
    }

    private PatternTask Task(PatternStep step, string name, JsonElement[] on, string? item)
    {
        var kind = step.Kind.ToString().ToLowerInvariant();
        var shown = $"step '{name}' of pattern '{pattern.Name}'";
        var spec = new TaskSpec(
            step.TaskType ?? kind,
            Filled("title", step.Title, TaskRules.TitleLength, "characters") ?? $"{pattern.Name}: {step.Ref}",
            Ref: name,
            Description: Filled("description", step.Description, TaskRules.DescriptionBytes, "bytes"),
            PhaseId: step.PhaseId,
            Priority: step.Priority,
            Capabilities: step.Capabilities,
            DependsOn: on,
            Quorum: step.Quorum,
            Agent: Filled("agent", step.Agent, TaskRules.TitleLength, "characters"),
            TimeoutSeconds: step.TimeoutSeconds
        );
        string[] fields =
            step.Kind == PatternStepKind.Work
                ?
                [
                    .. step.Fields.Select(field =>
                        Name(Filled("fields", field, PatternStep.FieldLength, "characters")!)
                    ),
                ]
                : [.. step.Fields];
        return new PatternTask(shown, spec, step, pattern.Name, fields);

        // No other name is taken in outputs, so the task could never be completed.
        string Name(string field) =>
            TextRules.IsMemberName(field)
                ? field
                : throw Problem.Invalid(
                    $"{shown}: 'fields' has '{TextRules.CutCharacters(field, 100)}' with these values; "
                        + TextRules.MemberNames
                );

        string? Filled(string field, string? text, int most, string unit) =>
            text is null ? null
            : Fill(text, item, most) is { } filled ? filled
            : throw Problem.Invalid(
                $"{shown}: '{field}' is longer than {most} {unit} with these values; give shorter ones"
            );
    }

    // In one pass, so that a value with a placeholder in it stays as it is. Null as soon as the text is too long: a
    // placeholder of three characters can stand for a list of 400 KB. A character has at least one byte.
    private string? Fill(string text, string? item, int most)
    {
        var filled = new StringBuilder();
        var from = 0;
        foreach (Match match in Placeholder().Matches(text))
        {
            if (!Add(text.AsSpan(from, match.Index - from)) || !Add(ValueOf(match, item)))
                return null;
            from = match.Index + match.Length;
        }

        return Add(text.AsSpan(from)) ? filled.ToString() : null;

        bool Add(ReadOnlySpan<char> part)
        {
            filled.Append(part[..Math.Min(part.Length, most + 1)]);
            return filled.Length <= most;
        }
    }

    private string ValueOf(Match match, string? item) =>
        match.Groups[1].Value is var name && name == Item && item is not null ? item
        : texts.TryGetValue(name, out var value) ? value
        : match.Value;

    private string[] Items(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.Array)
            throw Fault($"needs a list for '{name}', and not {Shown(value)}");
        return value.GetArrayLength() switch
        {
            0 => throw Fault($"needs at least one entry in '{name}'"),
            > MostItems => throw Fault(
                $"takes at most {MostItems} entries in '{name}'; {value.GetArrayLength()} were given"
            ),
            _ => [.. value.EnumerateArray().Select((item, i) => Text($"'{name}[{i}]'", item))],
        };
    }

    private string Text(string name, JsonElement value)
    {
        if (value.ValueKind != JsonValueKind.String || !TaskRules.IsReadable(value))
            throw Fault($"needs a text for {name}, and not {Shown(value)}");
        var text = value.GetString()!;
        return string.IsNullOrWhiteSpace(text) ? throw Fault($"needs a text for {name}, which is blank")
            : TextRules.Fault(text) is { } fault ? throw Fault($"cannot take {name}: it contains {fault}")
            : Encoding.UTF8.GetByteCount(text) > TextBytes
                ? throw Fault($"takes at most {TextBytes} bytes for {name}; put a longer text into a file")
            : text;
    }

    private string Available() =>
        pattern.Parameters.Count == 0
            ? "it has none"
            : "its parameters are "
                + string.Join(
                    ", ",
                    pattern.Parameters.Select(p => $"{p.Key} ({p.Value.ToString().ToLowerInvariant()})")
                );

    private Problem Fault(string text) => Problem.Invalid($"pattern '{pattern.Name}' {text}");

    private static string Shown(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => "an object",
            JsonValueKind.Array => "a list",
            JsonValueKind.String => "a text",
            JsonValueKind.Number => "a number",
            _ => "true, false or null",
        };

    [GeneratedRegex(@"\{([A-Za-z_][A-Za-z0-9_]*)\}")]
    private static partial Regex Placeholder();
}
