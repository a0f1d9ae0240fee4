namespace Hive.Features.StateFiles.Contracts;

/// <summary>Finds references to state files in a text.</summary>
internal interface IFileReferences
{
    /// <summary>
    /// The path tokens of <paramref name="text"/> that name a file the operator may read, each once, in order of
    /// appearance. For an agent's text only files that the agent can open itself: otherwise a message to itself would
    /// reveal which files of others exist. The manager and the operator can open all. Reads the file system on another
    /// thread: never call it inside a write.
    /// </summary>
    ValueTask<IReadOnlyList<string>> ScanAs(string sender, string text);
}
