using System.ComponentModel;
using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes;
using Hive.Runtimes.Programs;

namespace Hive.Features.Containers;

/// <summary>Checks whether Claude Code is installed, which version, and which runtimes' agents can have it. Its absence
/// is a failure only if new agents run it.</summary>
internal sealed class ClaudeCheck(HiveOptions options, ClaudeCode claude) : ICheck
{
    private const string Advice = "Run it by hand to see why, or install it again.";

    // Without Claude Code, the driver `auto` follows the agents' scripts.
    private FindingState Missing => options.Driver == ClaudeCode.Name ? FindingState.Failed : FindingState.Absent;

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct)
    {
        if (claude.Program is not { } program)
            return [Found(Missing, ClaudeCode.NotFound.Reason, Capital(ClaudeCode.NotFound.Fix!))];
        try
        {
            var told = await Trial.Output([program.Path, "--version"], Trial.Patience, ct);
            return told.ExitCode == 0
                ? [Works(program, told.Output.Trim()), .. await Lacking(program, ct)]
                :
                [
                    Found(
                        Missing,
                        $"{program.Path} --version ended with {told.ExitCode}: {told.Output.Trim()}",
                        Advice
                    ),
                ];
        }
        catch (Exception e) when (e is Problem or Win32Exception)
        {
            return [Found(Missing, e.Message, Advice)];
        }
    }

    private static Finding Works(HostProgram program, string version) =>
        Found(FindingState.Ok, $"{version}; {program.Path}; each agent that runs it logs in on its own page");

    private async Task<IEnumerable<Finding>> Lacking(HostProgram program, CancellationToken ct)
    {
        var faults = await claude.Faults(program, ct);
        var ofNew = await claude.FaultOfNewAgents(program, ct);
        return faults.Select(f => new Finding(
            "programs",
            $"claude on {f.Key}",
            f.Value == ofNew ? Missing : FindingState.Absent,
            $"agents there do not have it: {f.Value.Reason}",
            f.Value.Fix is { } fix ? Capital(fix) : null
        ));
    }

    private static string Capital(string text) => char.ToUpperInvariant(text[0]) + text[1..];

    private static Finding Found(FindingState state, string text, string? advice = null) =>
        new("programs", ClaudeCode.Name, state, text, advice);
}
