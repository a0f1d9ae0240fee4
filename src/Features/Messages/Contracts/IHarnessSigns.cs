namespace Hive.Features.Messages.Contracts;

/// <summary>What tells that an agent's harness has come up.</summary>
internal interface IHarnessSigns
{
    /// <summary>The signs of the agent's next harness: whoever starts one asks first. Those of the one before are not
    /// waited for any more.</summary>
    HarnessSigns Expect(string agent);

    /// <summary>The harness says that it waits for the operator before it asks for a message: it has come up.</summary>
    void CameUp(string agent);
}

/// <summary>Two steps on the way of a harness from its start to its first message.</summary>
/// <param name="Hello">Completes when it says hello: it has read its own settings.</param>
/// <param name="Asks">Completes when it asks for its first message, or waits for the operator: it has its driver,
/// too.</param>
internal sealed record HarnessSigns(Task Hello, Task Asks);
