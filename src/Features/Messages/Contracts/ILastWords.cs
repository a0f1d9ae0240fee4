namespace Hive.Features.Messages.Contracts;

/// <summary>Reads the end of what an agent's process printed; implemented by the slice that runs the agents.</summary>
internal interface ILastWords
{
    /// <summary>The last lines, short and without control characters; null when they are not available.</summary>
    Task<string?> Of(string agent);
}
