using Hive.Features.Agents.Contracts;
using Hive.Features.Containers.Tombstones;
using Hive.Features.Containers.Verbs;
using Hive.Runtimes;

namespace Hive.Features.Containers.Lifecycle;

/// <summary>Finishes or undoes the spawns and destroys that an earlier host left unfinished.</summary>
internal sealed class UnfinishedWork(
    IRoster roster,
    AgentFolders folders,
    RuntimeCatalog runtimes,
    AgentCreation creation,
    AgentRemoval removal,
    OrphanContainers orphans,
    AgentFiles files,
    Cleanup cleanup
)
{
    public async Task Finish()
    {
        await creation.UndoUnfinished();
        await removal.FinishAll();
        await Task.WhenAll(runtimes.All.Select(orphans.RemoveAll));
        var sockets = Path.GetDirectoryName(folders.Run(Principals.Manager))!;
        if (!Directory.Exists(sockets))
            return;
        foreach (
            var name in Directory
                .EnumerateDirectories(sockets)
                .Select(f => Path.GetFileName(f)!)
                .Where(n => roster.Find(n) is null)
        )
            await cleanup.TryAndLog(name, () => files.Remove(name, purge: false));
    }
}
