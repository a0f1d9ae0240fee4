using System.Collections.Frozen;
using FluentValidation;
using Hive.Protocol;

namespace Hive.Features.Agents;

/// <inheritdoc />
internal sealed class AgentNames : Contracts.IAgentNames
{
    public string? Fault(string name) => AgentName.Fault(name);

    public bool IsWellFormed(string name) => AgentNameForm.Fits(name);
}

/// <summary>Checks agents' names.</summary>
internal static class AgentName
{
    private static readonly FrozenSet<string> Reserved = FrozenSet.Create(
        StringComparer.Ordinal,
        "operator",
        "system",
        "reminder",
        "all",
        "host",
        "core",
        "agents",
        "hive",
        "forge",
        "admin",
        "root"
    );

    /// <summary>Why a new agent cannot have that name; null when it can.</summary>
    public static string? Fault(string name)
    {
        if (name == Contracts.Principals.Manager)
            return "the name 'manager' is reserved for the agent that Hive creates";
        if (Reserved.Contains(name))
            return $"'{name}' is a reserved name";
        return AgentNameForm.Fits(name)
            ? null
            : $"'{Shown(name)}' is not a valid agent name; use a-z, 0-9 and '-', begin with a letter, end with a "
                + $"letter or digit, at most {Limits.NameLength} characters";
    }

    /// <summary>Checks the form of a name in a request; the roster tells whether the agent exists.</summary>
    public static IRuleBuilderOptions<T, string> MustBeAgentName<T>(this IRuleBuilder<T, string> rule) =>
        rule.Must(name => name is not null && AgentNameForm.Fits(name))
            .WithMessage(
                (_, name) =>
                    $"'{Shown(name ?? "")}' is not a valid agent name; use a-z, 0-9 and '-', "
                    + $"at most {Limits.NameLength} characters"
            );

    private static string Shown(string name) => name.Length <= 40 ? name : string.Concat(name.AsSpan(0, 40), "…");
}
