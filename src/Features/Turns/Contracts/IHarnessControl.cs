using Hive.Common.Storage;

namespace Hive.Features.Turns.Contracts;

/// <summary>Ends a turn for a reason of the host's own.</summary>
internal interface IHarnessControl
{
    /// <summary>Nothing counts against the messages of this turn, if it has not ended: they come again, as often as
    /// before.</summary>
    void Excuse(IWrite write, string agent, long turn);

    /// <summary>Asks the agent's harness to cancel this turn and no other; to be called after the commit.</summary>
    /// <returns>False when no harness is connected, or it does not ask for controls.</returns>
    bool CancelTurn(string agent, long turn);
}
