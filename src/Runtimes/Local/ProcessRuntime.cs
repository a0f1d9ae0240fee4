using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Runtimes.Local;

/// <summary>Runs an agent as an ordinary process: it can do whatever the host's user can. Only when named.</summary>
internal sealed class ProcessRuntime(LocalProcesses processes, AgentFolders folders, HivePaths paths)
    : LocalRuntime(processes)
{
    public override string Name => "process";

    public override Task<string?> Fault(CancellationToken ct) => Task.FromResult(HarnessBinary.Fault);

    public override async Task<string?> Weakness(CancellationToken ct) =>
        "no isolation: it can read and change whatever Hive's user can"
        + (await base.Weakness(ct) is { } unlimited ? $"; {unlimited}" : "");

    // It sees the host's folders by the host's paths.
    protected override Launch Prepare(Blueprint blueprint)
    {
        var name = blueprint.Agent.Name;
        var environment = new Dictionary<string, string>(blueprint.Environment)
        {
            ["PATH"] = Launch.PathAlone["PATH"],
            ["HOME"] = folders.Home(name),
            ["HIVE_SOCKET"] = paths.AgentSocket(name),
            ["HIVE_STATE_DIR"] = folders.State(name),
            [AgentGit.Variable] = Path.Combine(folders.Run(name), AgentGit.FileName),
        };
        return new Launch(
            [
                blueprint.Command[0].Replace(Blueprints.HarnessFolder, HarnessBinary.Folder, StringComparison.Ordinal),
                .. blueprint.Command.Skip(1),
            ],
            environment,
            folders.State(name)
        );
    }

    protected override void Terminate(int leader, int pump) => Native.Signal(-leader, Native.SigTerm);

    protected override IReadOnlyList<string>? Enter(int leader, int pump, IReadOnlyList<string> command) => command;
}
