using Hive.Common.Storage;

namespace Hive.Features.Containers.Contracts;

/// <summary>Notes the begin and the end of agents' processes among the events of the agent; implemented by the slice
/// that keeps those.</summary>
internal interface IRunEvents
{
    /// <summary>A process has begun.</summary>
    /// <param name="write">Stores it.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="reason"><c>start</c>, <c>restart</c>, <c>rebuild</c> or <c>crash</c>.</param>
    void Started(IWrite write, string agent, string reason);

    /// <summary>A process has ended. Called before its turns are lost.</summary>
    /// <param name="write">Stores it.</param>
    /// <param name="agent">The agent.</param>
    /// <param name="how">How it ended and what follows; null when its end was asked for.</param>
    /// <param name="lastWords">The end of its log, where it tells why.</param>
    void Ended(IWrite write, string agent, string? how, string? lastWords);

    /// <summary>A process could not be started.</summary>
    void StartFailed(IWrite write, string agent, string why);
}
