using FluentValidation;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Turns;

/// <summary>The rule for an agent's name in a request.</summary>
internal static class AgentRules
{
    /// <summary>The form of an agent's name; whether the agent exists is checked later.</summary>
    public static IRuleBuilderOptions<T, string> MustBeAgentsName<T>(
        this IRuleBuilder<T, string> rule,
        IAgentNames names
    ) =>
        rule.Must(name => names.IsWellFormed(name))
            .WithMessage("'name' is not a valid agent name; use a-z, 0-9 and '-', such as alice");
}
