using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;

namespace Hive.Features.StateFiles.Contracts;

/// <summary>The file references in what somebody wrote, as far as its writer vouches for them.</summary>
internal sealed class VouchedReferences(IFileReferences references, AgentFolders folders)
{
    /// <summary>
    /// The references in <paramref name="text"/>. An agent vouches only for what it can open itself: else the references of a text to oneself
    /// would tell which files of others exist. Looks at the file system: never inside a write.
    /// </summary>
    public IReadOnlyList<string> In(string text, Caller writer)
    {
        var found = references.Scan(text);
        if (found.Count == 0 || writer.Kind != CallerKind.Agent)
            return found;
        string[] own = [$"/agents/{writer.Name}/state/", folders.State(writer.Name) + "/", "/shared/", folders.Shared + "/"];
        return [.. found.Where(path => Array.Exists(own, prefix => path.StartsWith(prefix, StringComparison.Ordinal)))];
    }
}
