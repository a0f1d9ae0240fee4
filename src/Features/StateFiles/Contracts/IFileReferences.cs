namespace Hive.Features.StateFiles.Contracts;

/// <summary>Finds the file references in a text (contract section 7).</summary>
internal interface IFileReferences
{
    /// <summary>
    /// The path tokens of <paramref name="text"/> that name a file the operator may read, each once, in order of appearance.
    /// Looks at the file system: never inside a write.
    /// </summary>
    IReadOnlyList<string> Scan(string text);

    /// <summary>
    /// Those of them that the sender can open itself, which is all it vouches for: else the references of an agent's message to itself would tell
    /// which files of others exist. The manager and the operator can open everybody's.
    /// </summary>
    IReadOnlyList<string> ScanAs(string sender, string text);
}
