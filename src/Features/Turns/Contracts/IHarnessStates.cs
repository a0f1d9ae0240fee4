namespace Hive.Features.Turns.Contracts;

/// <summary>Tells what harnesses report of themselves.</summary>
internal interface IHarnessStates
{
    /// <summary>The state of the agent's harness. From memory, and from any thread.</summary>
    HarnessView Of(string agent);
}
