using Hive.Common.Backups;
using Hive.Common.Errors;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.StateFiles;

/// <summary>Puts state folders and the shared folder back.</summary>
internal sealed class StateRestore(IAgentNames names) : IRestorePart
{
    private const UnixFileMode Private = UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute;

    public Task<IReadOnlyList<string>> Restore(string from, string dataDir, CancellationToken ct) =>
        Task.Run<IReadOnlyList<string>>(() => Restore(from, dataDir), ct);

    private List<string> Restore(string from, string dataDir)
    {
        List<string> restored = [];
        var agents = Path.Combine(from, StateBackup.Agents);
        if (Directory.Exists(agents))
        {
            var folders = Directory.GetDirectories(agents);
            foreach (var folder in folders)
            {
                var agent = Path.GetFileName(folder);
                if (agent != Principals.Manager && names.Fault(agent) is { } fault)
                    throw Problem.Invalid($"the backup holds a state folder of an agent that cannot exist: {fault}");
                if (!Directory.Exists(Path.Combine(folder, "state")))
                    continue;
                var into = Path.Combine(dataDir, StateBackup.Agents, agent);
                Directory.CreateDirectory(into, Private);
                Directory.Move(Path.Combine(folder, "state"), Path.Combine(into, "state"));
            }

            restored.Add(Counted.Of(folders.Length, "state folder"));
        }

        if (Directory.Exists(Path.Combine(from, StateBackup.Shared)))
        {
            Directory.Move(Path.Combine(from, StateBackup.Shared), Path.Combine(dataDir, StateBackup.Shared));
            restored.Add("the shared folder");
        }

        return restored;
    }
}
