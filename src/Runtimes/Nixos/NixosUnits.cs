using Hive.Common.Errors;
using Microsoft.Extensions.Logging;

namespace Hive.Runtimes.Nixos;

/// <summary>Asks systemd about the units of agents' NixOS containers, and stops and kills them.</summary>
internal sealed partial class NixosUnits(NixosFiles files, ILogger log)
{
    // How often systemd is asked whether it has noticed an end that Hive has seen, and the pause between: it has, after
    // a few milliseconds.
    private const int SettleAttempts = 50;
    private static readonly TimeSpan SettlePause = TimeSpan.FromMilliseconds(20);

    /// <summary>The states of the units of these agents.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: systemd does not answer.</exception>
    public static async Task<Dictionary<string, UnitState>> Show(IReadOnlyList<string> agents, CancellationToken ct)
    {
        var shown = await NixosCommands.Run(
            ["systemctl", "show", .. agents.Select(NixosFiles.Unit), $"--property={UnitState.Properties}"],
            ct
        );
        if (shown.ExitCode != 0)
            throw Problem.Unavailable(
                $"systemctl show ended with {shown.ExitCode}: {NixosCommands.LastOf(shown.Output)}"
            );
        // A block for each unit, with an empty line between.
        var states = shown
            .Output.Split("\n\n", StringSplitOptions.RemoveEmptyEntries)
            .Select(UnitState.Parse)
            .ToDictionary(s => s.Id);
        return agents.ToDictionary(a => a, a => states.GetValueOrDefault(NixosFiles.Unit(a)) ?? new UnitState());
    }

    /// <summary>The state of the unit of one agent.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: systemd does not answer.</exception>
    public static async Task<UnitState> Show(string agent, CancellationToken ct) => (await Show([agent], ct))[agent];

    /// <summary>Asks the container to shut down, and waits until it has.</summary>
    public async Task Stop(string agent)
    {
        try
        {
            await NixosCommands.Must(NixosCommands.Program, "stop", NixosFiles.Container(agent));
        }
        catch (Problem e)
        {
            // The caller of Terminate kills a container that does not end.
            LogNotStopped(log, agent, e.Message);
        }
    }

    /// <summary>Ends everything in the container at once.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: it runs on.</exception>
    public static async Task Kill(string agent)
    {
        var killed = await NixosCommands.Run(
            ["systemctl", "kill", "--signal=KILL", NixosFiles.Unit(agent)],
            CancellationToken.None
        );
        if (killed.ExitCode != 0 && (await Show(agent, CancellationToken.None)).IsRunning)
            throw Problem.Unavailable($"{agent} cannot be killed: {killed.Output.Trim()}");
    }

    /// <summary>Waits until systemd has noticed that this process of the container has ended.</summary>
    public async Task WaitForEnd(string agent, int pid)
    {
        try
        {
            for (
                var i = 0;
                i < SettleAttempts
                    && files.Exists(agent)
                    && await Show(agent, CancellationToken.None) is { IsRunning: true } state
                    && state.MainPid == pid;
                i++
            )
                await Task.Delay(SettlePause);
        }
        catch (Problem e)
        {
            // The process has ended in any case.
            LogUnsettled(log, agent, e.Message);
        }
    }

    /// <summary>How the last run ended, as systemd reports it.</summary>
    public static async Task<RunOutcome> Outcome(string agent, int pid)
    {
        try
        {
            var state = await Show(agent, CancellationToken.None);
            return state.MainPid != 0 && state.MainPid != pid
                    ? new RunOutcome(false, "ended, and was started again from outside Hive")
                : state.Result == "oom-kill"
                    ? new RunOutcome(false, "ended by the kernel: it needed more memory than its limit")
                : state is { Result: not "success", ExitCode: 0 }
                    ? new RunOutcome(false, $"ended: systemd calls it '{state.Result}'")
                : RunOutcome.Of(state.ExitCode);
        }
        catch (Problem e)
        {
            return new RunOutcome(false, $"ended; exit code unknown: {e.Message}");
        }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "{Agent} did not stop when asked: {Error}")]
    private static partial void LogNotStopped(ILogger logger, string agent, string error);

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not find out whether systemd has noticed the end of {Agent}: {Error}"
    )]
    private static partial void LogUnsettled(ILogger logger, string agent, string error);
}
