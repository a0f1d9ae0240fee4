namespace Hive.Features.Agents.Contracts;

/// <summary>What an agent may be called.</summary>
internal interface IAgentNames
{
    /// <summary>Why a new agent cannot have that name; null when it can.</summary>
    string? Fault(string name);

    /// <summary>True for the form of a name, reserved or not.</summary>
    bool IsWellFormed(string name);
}
