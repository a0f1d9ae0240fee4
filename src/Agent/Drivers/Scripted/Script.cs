using System.Text.Json;
using System.Text.RegularExpressions;
using Hive.Protocol;

namespace Hive.Agent.Drivers.Scripted;

/// <summary>A script: the steps at start, the rules in order, and the steps when no rule matches.</summary>
internal sealed record Script(IReadOnlyList<Step> Start, IReadOnlyList<Rule> Rules, IReadOnlyList<Step> Otherwise)
{
    /// <summary>The steps for a message, and the named groups of the matching rule.</summary>
    /// <exception cref="RegexMatchTimeoutException">
    /// A pattern took longer than <see cref="ScriptReader.PatternTimeout"/>.
    /// </exception>
    public (IReadOnlyList<Step> Steps, IReadOnlyDictionary<string, string> Groups) For(
        Message message,
        SystemEvent? systemEvent
    )
    {
        foreach (var rule in Rules)
        {
            if (rule.Match(message, systemEvent) is { } groups)
                return (rule.Do, groups);
        }

        return (Otherwise, new Dictionary<string, string>());
    }
}

/// <summary>One rule; a condition that is null matches every message.</summary>
/// <param name="From">Senders; <c>*</c> is every agent and the operator.</param>
/// <param name="Event">Names of system events; <c>*</c> is any.</param>
/// <param name="Members">Allowed values of the event's members; <c>*</c> is any value.</param>
internal sealed record Rule(
    IReadOnlySet<string>? From,
    Regex? Body,
    IReadOnlySet<string>? Event,
    IReadOnlyDictionary<string, IReadOnlySet<string>> Members,
    bool? Redelivered,
    IReadOnlyList<Step> Do
)
{
    public const string Any = "*";

    /// <summary>The named groups of the body's pattern; null when the rule does not match.</summary>
    public IReadOnlyDictionary<string, string>? Match(Message message, SystemEvent? systemEvent)
    {
        if (
            From is not null
            && !From.Contains(message.From)
            && !(From.Contains(Any) && message.From is not ("system" or "reminder"))
        )
            return null;
        if (Event is not null && (systemEvent is null || !(Event.Contains(systemEvent.Name) || Event.Contains(Any))))
            return null;
        foreach (var (name, allowed) in Members)
        {
            if (Variables.Find(systemEvent!.Members, name) is not { } value || !Allows(allowed, value))
                return null;
        }

        if (Redelivered is { } redelivered && redelivered != (message.Redelivered == true))
            return null;
        if (Body is null)
            return new Dictionary<string, string>();
        var match = Body.Match(message.Body);
        return match.Success
            ? Body.GetGroupNames()
                .Where(name => !char.IsAsciiDigit(name[0]))
                .ToDictionary(name => name, name => match.Groups[name].Value)
            : null;
    }

    // A list matches when one of its items does.
    private static bool Allows(IReadOnlySet<string> allowed, JsonElement value) =>
        allowed.Contains(Any)
        || (
            value.ValueKind == JsonValueKind.Array
                ? value.EnumerateArray().Any(item => allowed.Contains(Variables.TextOf(item)))
                : allowed.Contains(Variables.TextOf(value))
        );
}
