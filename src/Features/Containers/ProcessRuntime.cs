using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Containers;

/// <summary>Runs an agent as an ordinary process: it can do whatever the host's user can. Only when named.</summary>
internal sealed class ProcessRuntime(AgentFolders folders, HivePaths paths) : IRuntime
{
    public string Name => "process";

    public string? Warning => "no isolation: it can read and change whatever Hive's user can";

    public Task<string?> Fault(CancellationToken ct) => Task.FromResult(HarnessBinary.Fault);

    public Launch Prepare(AgentEntry agent, string driver) => new(
        [HarnessBinary.Path, "serve", "--driver", driver],
        new Dictionary<string, string>
        {
            ["PATH"] = Environment.GetEnvironmentVariable("PATH") ?? "/usr/local/bin:/usr/bin:/bin",
            ["LANG"] = "C.UTF-8",
            ["HOME"] = folders.Home(agent.Name),
            ["HIVE_AGENT"] = agent.Name,
            ["HIVE_SOCKET"] = paths.AgentSocket(agent.Name),
            ["HIVE_STATE_DIR"] = folders.State(agent.Name),
        },
        folders.State(agent.Name));
}
