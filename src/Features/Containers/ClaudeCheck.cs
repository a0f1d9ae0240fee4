using System.ComponentModel;
using Hive.Common.Doctor;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;
using Hive.Runtimes;

namespace Hive.Features.Containers;

/// <summary>Checks whether Claude Code is installed, and which version. Its absence is a failure only if new agents run
/// it.</summary>
internal sealed class ClaudeCheck(HiveOptions options) : ICheck
{
    private const string Advice = "Install it: npm install -g @anthropic-ai/claude-code";

    // Without Claude Code, the driver `auto` follows the agents' scripts.
    private FindingState Missing => options.Driver == "claude" ? FindingState.Failed : FindingState.Absent;

    public async Task<IReadOnlyList<Finding>> Run(CancellationToken ct) => [await Check(ct)];

    private async Task<Finding> Check(CancellationToken ct)
    {
        try
        {
            var told = await Trial.Output(["claude", "--version"], Trial.Patience, ct);
            return told.ExitCode == 0
                ? Found(FindingState.Ok, $"{told.Output.Trim()}; each agent that runs it logs in on its own page")
                : Found(Missing, $"claude --version ended with {told.ExitCode}: {told.Output.Trim()}", Advice);
        }
        catch (Problem e)
        {
            return Found(Missing, e.Message, Advice);
        }
        catch (Win32Exception)
        {
            return Found(Missing, "not installed; agents with the driver 'claude' cannot work", Advice);
        }
    }

    private static Finding Found(FindingState state, string text, string? advice = null) =>
        new("programs", "claude", state, text, advice);
}
