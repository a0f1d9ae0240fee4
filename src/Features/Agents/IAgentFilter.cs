using FluentValidation;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.Agents;

/// <summary>The task for which agents are searched.</summary>
internal interface IAgentFilter
{
    /// <summary>The capabilities that it requires.</summary>
    IReadOnlyList<string>? Capabilities { get; }

    /// <summary>Its phase; null for any.</summary>
    string? PhaseId { get; }

    /// <summary>The duty that the agent must have; null for either.</summary>
    string? AgentType { get; }
}

/// <summary>The rules for a search.</summary>
internal abstract class AgentFilterRules<T> : AbstractValidator<T>
    where T : IAgentFilter
{
    protected AgentFilterRules()
    {
        RuleFor(q => q.Capabilities).MustBeWorkWords("capabilities");
        RuleFor(q => q.PhaseId).MustBePhase("phase_id");
        RuleFor(q => q.AgentType).MustBeAgentType();
    }
}
