using Hive.Features.Agents.Contracts;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Removes the folders of agents that are not on the roster.</summary>
internal sealed class AgentFiles(AgentFolders folders, Trash trash)
{
    /// <summary>Removes an agent's run folder, and with a purge everything else.</summary>
    /// <param name="name">The agent.</param>
    /// <param name="purge">Removes its notes, home and configuration.</param>
    /// <param name="atStart">Moves folders away without waiting until they are emptied; the sweep of the trash that
    /// follows the host's start does that.</param>
    public async Task Remove(string name, bool purge, bool atStart = false)
    {
        if (Directory.Exists(folders.Run(name)))
            Directory.Delete(folders.Run(name), recursive: true);
        if (!purge)
            return;
        foreach (var folder in new[] { folders.Applied(name), folders.Of(name) })
        {
            if (atStart)
                trash.Discard(folder);
            else
                await trash.Remove(folder);
        }
    }
}
