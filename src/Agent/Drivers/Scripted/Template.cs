using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>
/// Fills <c>{{name}}</c> in a text. Values are not expanded again, so a message cannot bring in variables.
/// </summary>
internal sealed partial class Template
{
    private readonly List<(string Literal, string? Name, bool Optional)> parts = [];

    /// <exception cref="FormatException">Braces without a name, or an unknown variable.</exception>
    public Template(string text, VariableScope scope)
    {
        var at = 0;
        while (true)
        {
            var open = text.IndexOf("{{", at, StringComparison.Ordinal);
            if (open < 0)
                break;
            var variable = Variable().Match(text, open);
            if (!variable.Success)
                throw new FormatException(
                    "`{{` needs a name and `}}`, as in {{from}}, or {{note?}} for a variable that may be missing"
                );
            var (name, optional) = (variable.Groups[1].Value, variable.Groups[2].Length > 0);
            if (!optional && !scope.Allows(name))
                throw new FormatException($"unknown variable `{name}`; available here: {scope.Describe()}");
            parts.Add((text[at..open], name, optional));
            at = open + variable.Length;
        }

        parts.Add((text[at..], null, true));
    }

    /// <exception cref="FormatException">A variable has no value for this message.</exception>
    public string Fill(Variables variables)
    {
        var text = new StringBuilder();
        foreach (var (literal, name, optional) in parts)
        {
            text.Append(literal);
            if (name is null)
                continue;
            if (Value(variables, name, optional) is { } value)
                text.Append(Variables.TextOf(value));
        }

        return text.ToString();
    }

    /// <summary>
    /// The value itself, a number as a number, where the template is one variable and nothing else; else the text. Null
    /// when that variable may be missing and is.
    /// </summary>
    /// <exception cref="FormatException">A variable has no value for this message.</exception>
    public JsonNode? FillValue(Variables variables) =>
        parts is [{ Literal: "", Name: { } name, Optional: var optional }, { Literal: "", Name: null }]
            ? Value(variables, name, optional) is { } value
                ? JsonNode.Parse(value.GetRawText())
                : null
            : JsonValue.Create(Fill(variables));

    private static JsonElement? Value(Variables variables, string name, bool optional) =>
        variables.Find(name) is { } value ? value
        : optional ? null
        : throw new FormatException(
            $"`{name}` has no value for this message; available: {variables.Describe()}; "
                + $"write {{{{{name}?}}}} where it may be missing"
        );

    [GeneratedRegex(@"\G\{\{\s*([A-Za-z_][A-Za-z0-9_]*(?:\.[A-Za-z0-9_]+)*)(\??)\s*\}\}")]
    private static partial Regex Variable();
}

/// <summary>The variables that a template may name, as far as known before a message arrives.</summary>
/// <param name="EventMembers">
/// The rule matches system events, whose members are known only when an event arrives.
/// </param>
internal sealed record VariableScope(IReadOnlySet<string> Names, bool EventMembers)
{
    public static IReadOnlySet<string> OfStart { get; } =
        new HashSet<string> { "self", "role", "state_dir", "count", RunStep.Output };

    public static IReadOnlySet<string> OfMessage { get; } =
        new HashSet<string>(OfStart) { "from", "body", "id", "redelivered", "event" };

    /// <summary>
    /// Whether a name may have a value. Whether a <c>call</c> comes first shows only when the script runs.
    /// </summary>
    public bool Allows(string name) =>
        EventMembers || Names.Contains(name) || name.StartsWith("answer.", StringComparison.Ordinal);

    public string Describe() =>
        string.Join(", ", Names.Order(StringComparer.Ordinal))
        + ", after `call` answer.MEMBER"
        + (Names.Contains("event") ? ", and with `event:` in `match` the members of the event" : "");
}
