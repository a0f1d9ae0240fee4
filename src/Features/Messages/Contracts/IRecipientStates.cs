namespace Hive.Features.Messages.Contracts;

/// <summary>Whether a recipient takes messages now; filled by the slice that runs the agents.</summary>
internal interface IRecipientStates
{
    /// <summary><c>running</c>, <c>paused</c> or <c>stopped</c>; a message to either of the last two waits.</summary>
    string Of(string agent);
}
