using Hive.Common.Errors;
using Hive.Protocol.Options;

namespace Hive.Runtimes.Programs;

/// <summary>Finds Claude Code on this machine, and the runtimes whose containers cannot have it.</summary>
internal sealed class ClaudeCode(HostPrograms programs, RuntimeCatalog runtimes)
{
    public const string Name = "claude";

    /// <summary>Why agents cannot run it, where it is missing.</summary>
    public static Fault NotFound { get; } =
        new("Claude Code is not installed on the PATH of Hive", "install it: npm install -g @anthropic-ai/claude-code");

    /// <summary>The program; null when it is not on the PATH.</summary>
    public HostProgram? Program => programs.Find(Name);

    /// <summary>The program that a container gets by mounts for its driver; null for none.</summary>
    /// <param name="driver">The driver, as the harness is told it.</param>
    /// <param name="runtime">The name of the runtime.</param>
    public HostProgram? For(string driver, string runtime) =>
        driver is Name or HiveOptions.Auto
        && runtimes.Find(runtime) is { } chosen
        && Program is { } found
        && found.IsMounted(chosen.Programs)
            ? found
            : null;

    /// <summary>Why the containers of runtimes that work here cannot have it, by the runtime's name.</summary>
    public async Task<IReadOnlyDictionary<string, Fault>> Faults(HostProgram program, CancellationToken ct)
    {
        var faults = new SortedDictionary<string, Fault>(StringComparer.Ordinal);
        foreach (var runtime in runtimes.All)
        {
            if (program.FaultIn(runtime.Programs) is { } fault && await runtime.FindFault(ct) is null)
                faults[runtime.Name] = fault;
        }

        return faults;
    }

    /// <summary>Why new agents cannot have it; null when they can.</summary>
    public async Task<Fault?> FaultOfNewAgents(HostProgram program, CancellationToken ct) =>
        await Faults(program, ct) is { Count: > 0 } faults
            ? faults.GetValueOrDefault(await runtimes.FindDefault(ct))
            : null;
}
