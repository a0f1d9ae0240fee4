using FluentValidation;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Turns;

/// <summary>The rule of a name in a request.</summary>
internal static class AgentRules
{
    /// <summary>Has the form of an agent's name; the roster decides whether there is one.</summary>
    public static IRuleBuilderOptions<T, string> MustBeAgentsName<T>(
        this IRuleBuilder<T, string> rule,
        IAgentNames names
    ) =>
        rule.Must(name => names.IsWellFormed(name))
            .WithMessage("'name' is no agent's name: a-z, 0-9 and '-', such as alice");
}
