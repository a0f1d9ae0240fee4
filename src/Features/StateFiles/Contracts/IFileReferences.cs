namespace Hive.Features.StateFiles.Contracts;

/// <summary>Finds the file references in a text (contract section 7).</summary>
internal interface IFileReferences
{
    /// <summary>
    /// The path tokens of <paramref name="text"/> that name a file the operator may read, each once, in order of
    /// appearance; of an agent's text
    /// only those that the agent can open itself, or the references of its messages to itself would tell which files of
    /// others exist.
    /// The manager and the operator can open everybody's. Looks at the file system, never on the caller's thread: never
    /// inside a write.
    /// </summary>
    ValueTask<IReadOnlyList<string>> ScanAs(string sender, string text);
}
