namespace Hive.Features.StateFiles.Contracts;

/// <summary>Finds the file references in a text (contract section 7).</summary>
internal interface IFileReferences
{
    /// <summary>
    /// The path tokens of <paramref name="text"/> that name a file the operator may read, each once, in order of appearance.
    /// Looks at the file system: never inside a write.
    /// </summary>
    IReadOnlyList<string> Scan(string text);
}
