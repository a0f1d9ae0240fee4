using System.CommandLine;

namespace Hive.Cli.Demo;

/// <summary>
/// The demo's second process. It owns the host and clears up when the demo ends, in whatever way that happens: it sees
/// its standard input
/// close when the first process goes, were it by SIGKILL. It has left the terminal, so that Ctrl-C reaches only the
/// first.
/// </summary>
internal static class KeeperVerb
{
    public const string Name = "demo-keeper";

    public static Command Create()
    {
        var root = new Argument<string>("DIR");
        var keep = new Option<bool>("--keep");
        var command = new Command(Name, "The demo's own.") { root, keep };
        command.Hidden = true;
        command.TreatUnmatchedTokensAsErrors = false;
        command.SetAction(async parsed =>
        {
            Native.LeaveTerminal();
            var folder = new DemoFolder(parsed.GetRequiredValue(root));
            // Signals are for the first process; what ends this one is its input.
            using var term = System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGTERM,
                signal => signal.Cancel = true
            );
            using var hangup = System.Runtime.InteropServices.PosixSignalRegistration.Create(
                System.Runtime.InteropServices.PosixSignal.SIGHUP,
                signal => signal.Cancel = true
            );

            var host = DemoHost.Start(folder, parsed.UnmatchedTokens);
            var ended = host.WaitForExitAsync();
            var released = ReleasedAsync();
            var byItself = await Task.WhenAny(ended, released) == ended;
            if (byItself)
            {
                Console.Error.WriteLine(
                    $"the host ended by itself (exit code {host.ExitCode}). Its last words:\n{folder.LastWords()}"
                );
            }

            await DemoCleanup.RunAsync(folder, host, parsed.GetValue(keep));
            return byItself ? ExitCode.Refused : ExitCode.Done;
        });
        return command;
    }

    // Nobody writes to this pipe; it ends when the last holder of its other end does.
    private static async Task ReleasedAsync()
    {
        using var input = Console.OpenStandardInput();
        var nothing = new byte[64];
        while (await input.ReadAsync(nothing) > 0) { }
    }
}
