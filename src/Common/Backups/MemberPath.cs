using System.Text;

namespace Hive.Common.Backups;

/// <summary>Paths of the members of a backup: names separated by slashes.</summary>
public static class MemberPath
{
    /// <summary>The folder of the agents' folders.</summary>
    public const string Agents = "agents";

    /// <summary>The shared folder.</summary>
    public const string Shared = "shared";

    // PATH_MAX of Linux is 4096, with the folder before it.
    private const int MaxLength = 3000;

    // NAME_MAX of Linux.
    private const int MaxNameBytes = 255;

    /// <summary>True when the archive returns the path as it is, and it stays below the folder of the restore. Names
    /// with control characters would be cut, because the archive ends a name with a newline.</summary>
    public static bool IsPlain(string path) =>
        path.Length <= MaxLength
        && !path.Any(char.IsControl)
        && path.Split('/')
            .All(name => name is not ("" or "." or "..") && Encoding.UTF8.GetByteCount(name) <= MaxNameBytes);

    /// <summary>True for files of agents, which keep their permissions.</summary>
    public static bool IsOfAgents(string path) =>
        path.StartsWith(Agents + "/", StringComparison.Ordinal)
        || path.StartsWith(Shared + "/", StringComparison.Ordinal);
}
