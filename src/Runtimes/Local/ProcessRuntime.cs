using Hive.Common.Errors;
using Hive.Common.Linux;
using Hive.Runtimes.Programs;

namespace Hive.Runtimes.Local;

/// <summary>Runs an agent as an ordinary process, without isolation: it can do everything that the host's user can.
/// Used only when it is named.</summary>
internal sealed class ProcessRuntime(LocalProcesses processes) : LocalRuntime(processes)
{
    public override string Name => "process";

    public override ContainerPrograms Programs => ContainerPrograms.All;

    public override Task<Fault?> FindFault(CancellationToken ct) => Task.FromResult(HarnessBinary.Fault);

    public override async Task<string?> FindWeakness(CancellationToken ct) => Weakness(await base.FindWeakness(ct));

    // The words above say more.
    public override Task<string?> FindNetworkWeakness(NetworkAccess network, CancellationToken ct) =>
        Task.FromResult<string?>(null);

    // The process sees the host's folders by the host's paths.
    protected override Launch Prepare(Blueprint blueprint, string? unlimited)
    {
        if (blueprint.Network == NetworkAccess.None)
            throw Networks.CannotDoWithout(blueprint.Agent, Name);
        var environment = blueprint.Environment.ToDictionary(v => v.Key, v => blueprint.OnHost(v.Value));
        environment["PATH"] = Launch.PathAlone["PATH"];
        return new Launch(
            [blueprint.OnHost(blueprint.Command[0]), .. blueprint.Command.Skip(1)],
            environment,
            blueprint.OnHost(blueprint.WorkingDirectory)
        )
        {
            Weakness = Weakness(unlimited),
        };
    }

    protected override void Terminate(int leader, int pump) => LinuxProcess.Signal(-leader, LinuxProcess.SigTerm);

    private static string? Weakness(string? unlimited) =>
        Networks.Join("no isolation: it can read and change everything that Hive's user can", unlimited);
}
