using System.Globalization;
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
        var agents = Path.Combine(from, MemberPath.Agents);
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
                var into = Path.Combine(dataDir, MemberPath.Agents, agent);
                Directory.CreateDirectory(into, Private);
                Directory.Move(Path.Combine(folder, "state"), Path.Combine(into, "state"));
            }

            restored.Add(Counted.Of(folders.Length, "state folder"));
        }

        if (Directory.Exists(Path.Combine(from, MemberPath.Shared)))
        {
            Directory.Move(Path.Combine(from, MemberPath.Shared), Path.Combine(dataDir, MemberPath.Shared));
            restored.Add("the shared folder");
        }

        var leftOut = Path.Combine(from, StateBackup.LeftOut);
        if (File.Exists(leftOut))
        {
            var count = File.ReadAllText(leftOut).Trim();
            File.Delete(leftOut);
            restored.Add(
                int.TryParse(count, CultureInfo.InvariantCulture, out var files) && files > 0
                    ? $"without {Counted.Of(files, "state file")} that this backup leaves out and an older one may hold"
                    : throw Problem.Invalid($"the backup is damaged: {StateBackup.LeftOut} is not a number")
            );
        }

        return restored;
    }
}
