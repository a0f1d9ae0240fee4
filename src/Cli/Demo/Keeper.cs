using System.CommandLine;
using System.Runtime.InteropServices;

namespace Hive.Cli.Demo;

/// <summary>
/// The demo's second process, which owns the host and cleans up however the first process ends: its standard input
/// closes then, even after SIGKILL. It has no terminal, so Ctrl-C reaches only the first process.
/// </summary>
internal static class Keeper
{
    public const string Name = "demo-keeper";

    public static Command Create()
    {
        var root = new Argument<string>("DIR");
        var keep = new Option<bool>("--keep");
        var command = new Command(Name, "Internal: own the demo's host and clean up after it.") { root, keep };
        command.Hidden = true;
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async parsed =>
        {
            Native.StartSession();
            var folder = new DemoFolder(parsed.GetRequiredValue(root));
            // Signals are for the first process; this one ends with its input.
            using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, signal => signal.Cancel = true);
            using var hangup = PosixSignalRegistration.Create(PosixSignal.SIGHUP, signal => signal.Cancel = true);

            var host = DemoHost.Start(folder, parsed.UnmatchedTokens);
            var ended = host.WaitForExitAsync();
            var closed = InputClosedAsync();
            var byItself = await Task.WhenAny(ended, closed) == ended;
            if (byItself)
            {
                Console.Error.WriteLine(
                    $"the host stopped unexpectedly (exit code {host.ExitCode}); "
                        + $"the end of its log:\n{folder.EndOfLog()}"
                );
            }

            await DemoCleanup.RunAsync(folder, host, parsed.GetValue(keep));
            return byItself ? ExitCode.Refused : ExitCode.Done;
        });
        return command;
    }

    // Nobody writes to this pipe; it closes when the first process ends.
    private static async Task InputClosedAsync()
    {
        using var input = Console.OpenStandardInput();
        var nothing = new byte[64];
        while (await input.ReadAsync(nothing) > 0) { }
    }
}
