using System.ComponentModel;
using System.Text.RegularExpressions;
using Hive.Common.Errors;
using Hive.Runtimes;
using Hive.Runtimes.Programs;

namespace Hive.Features.Making;

/// <summary>Finds the programs of drivers on this machine. Starting a program to ask for its version takes time, so the
/// result is kept for a minute.</summary>
internal sealed partial class DriverPrograms(TimeProvider clock, ClaudeCode installed)
{
    private static readonly TimeSpan Kept = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    private readonly Lock gate = new();
    private Task<IReadOnlyList<DriverView>>? found;
    private DateTimeOffset foundAt;

    /// <summary>All drivers.</summary>
    public Task<IReadOnlyList<DriverView>> Find(CancellationToken ct)
    {
        lock (gate)
        {
            if (found is null or { IsFaulted: true } || (found.IsCompleted && clock.GetUtcNow() - foundAt >= Kept))
                // Not cancelled with the first caller, because others may wait for the same result.
                (found, foundAt) = (FindNow(), clock.GetUtcNow());
            return found.WaitAsync(ct);
        }
    }

    private async Task<IReadOnlyList<DriverView>> FindNow() =>
        [
            await Claude(),
            new DriverView(
                Drivers.Command,
                Found: true,
                [],
                Hint: "runs a program of yours for each turn; give its command line"
            ),
            new DriverView(
                Drivers.Scripted,
                Found: true,
                [],
                Hint: "answers by fixed rules in script.yaml; needs no model and no login"
            ),
        ];

    private async Task<DriverView> Claude()
    {
        // The names that Claude Code resolves to its newest model of that size.
        string[] models = ["opus", "sonnet", "haiku"];
        if (installed.Program is not { } program)
            return Missing(ClaudeCode.NotFound.ToString());
        try
        {
            var told = await Trial.Output([program.Path, "--version"], Patience, CancellationToken.None);
            if (told.ExitCode != 0)
                return Missing($"`claude --version` ended with {told.ExitCode}; run it by hand to see why");
            if (await installed.FaultOfNewAgents(program, CancellationToken.None) is { } fault)
                return Missing($"new agents do not have it: {fault}");
            return new DriverView(
                Drivers.Claude,
                Found: true,
                models,
                Version().Match(told.Output) is { Success: true } version ? version.Value : null,
                "each agent that runs it logs in on its own page"
            );
        }
        catch (Exception e) when (e is Problem or Win32Exception)
        {
            return Missing(e.Message);
        }

        DriverView Missing(string why) => new(Drivers.Claude, Found: false, models, Hint: why);
    }

    [GeneratedRegex(@"[0-9]+(\.[0-9A-Za-z-]+)+")]
    private static partial Regex Version();
}
