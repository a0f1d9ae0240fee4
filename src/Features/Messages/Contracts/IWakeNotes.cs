using Hive.Common.Storage;

namespace Hive.Features.Messages.Contracts;

/// <summary>Keeps the note of an agent's start until its next message; implemented by the slice that runs the
/// agents.</summary>
internal interface IWakeNotes
{
    /// <summary>Takes the agent's note, as part of the write that delivers it; null when there is none.</summary>
    string? Take(IWrite write, string agent);
}
