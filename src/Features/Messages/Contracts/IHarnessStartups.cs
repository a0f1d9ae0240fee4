namespace Hive.Features.Messages.Contracts;

/// <summary>Follows the harness of an agent from its start until it has come up.</summary>
internal interface IHarnessStartups
{
    /// <summary>Follows the agent's next harness; to be called before that is started. The harness before it is no
    /// longer followed.</summary>
    HarnessStartup Expect(string agent);

    /// <summary>Notes that the harness has come up without receiving: it waits for the operator.</summary>
    void CameUp(string agent);
}

/// <summary>Two steps of a harness on its way from its start to its first message.</summary>
/// <param name="Hello">Completes when the harness says hello: it has read its own settings.</param>
/// <param name="CameUp">Completes when the harness asks for its first message, or waits for the operator: it has its
/// driver, too.</param>
internal sealed record HarnessStartup(Task Hello, Task CameUp);
