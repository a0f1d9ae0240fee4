namespace Hive.Common.Linux;

/// <summary>The kind of a directory entry, as far as it matters to a reader that must not be tricked.</summary>
public enum FileKind
{
    /// <summary>The entry does not exist or cannot be examined.</summary>
    Missing,

    /// <summary>An entry that Hive never shows: a link, a FIFO, a device, a file with several names.</summary>
    Other,

    /// <summary>A folder.</summary>
    Folder,

    /// <summary>A regular file with exactly one name.</summary>
    PlainFile,

    /// <summary>A plain file that this process owns and that its mode lets the owner read.</summary>
    OwnPlainFile,
}
