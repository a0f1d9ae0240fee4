namespace Hive.Features.Preferences.Contracts;

/// <summary>The agents that the operator has muted. Answered from memory.</summary>
internal interface IMutedAgents
{
    /// <summary>True for an agent whose things are not to be told.</summary>
    bool Contains(string agent);

    /// <summary>Raised after the operator muted or unmuted an agent.</summary>
    event Action? Changed;
}
