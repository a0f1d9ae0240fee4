namespace Hive.Features.Agents.Contracts;

/// <summary>Checks agents' names.</summary>
internal interface IAgentNames
{
    /// <summary>Why a new agent cannot have that name; null when it can.</summary>
    string? Fault(string name);

    /// <summary>True for the form of a name, reserved or not.</summary>
    bool IsWellFormed(string name);
}
