namespace Hive.Features.Messages.Contracts;

/// <summary>Says whether a recipient can receive messages now; implemented by the slice that runs the agents.</summary>
internal interface IRecipientStates
{
    /// <summary><c>running</c>, <c>paused</c> or <c>stopped</c>; in the last two states messages wait.</summary>
    string Of(string agent);
}
