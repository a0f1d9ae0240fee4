using FluentValidation;

namespace Hive.Features.Agents.Contracts;

/// <summary>The rule for an agent's name in a request.</summary>
internal static class AgentNameRules
{
    /// <summary>The way out of an invalid name.</summary>
    public const string Form = "use a-z, 0-9 and '-', such as alice";

    /// <summary>The form of an agent's name; whether the agent exists is checked later.</summary>
    /// <param name="rule">The field; null is not checked.</param>
    /// <param name="names">Knows the form.</param>
    /// <param name="field">The field's name on the wire.</param>
    public static IRuleBuilderOptions<T, string?> MustBeAgentsName<T>(
        this IRuleBuilder<T, string?> rule,
        IAgentNames names,
        string field = "name"
    ) =>
        rule.Must(name => name is null || names.IsWellFormed(name))
            .WithMessage($"'{field}' is not a valid agent name; {Form}");
}
