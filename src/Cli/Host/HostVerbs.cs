using System.CommandLine;

namespace Hive.Cli.Host;

internal static class HostVerbs
{
    public static Command[] All() => [Up(), VersionVerb.Create()];

    // The host replaces this process, so signals and the exit code are the host's own.
    private static Command Up()
    {
        const string Help =
            "Start Hive in the foreground until Ctrl-C; agents keep running where their runtime allows it.";
        var command = new Command("up", Help) { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(
            (Func<ParseResult, int>)(
                parsed =>
                {
                    var flags = HostFlags.Of(parsed.UnmatchedTokens, CommonOptions.RunDirIn(parsed));
                    var host = HostProgram.Find();
                    var why = Native.Execute(host, flags.Arguments, flags.Environment);
                    throw new UnreachableException($"cannot start {host}: {why}");
                }
            )
        );
        return command;
    }
}
