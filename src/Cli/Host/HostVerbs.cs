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
        var restore = new Option<string?>("--restore")
        {
            HelpName = "FILE",
            Description = "First restore this backup, into an empty data folder",
        };
        var replace = new Option<bool>("--replace")
        {
            Description = "With --restore: into a data folder that is not empty, which is kept beside the restored one",
        };
        command.Options.Add(restore);
        command.Options.Add(replace);
        command.Validators.Add(result =>
        {
            if (result.GetValue(replace) && result.GetValue(restore) is null)
                result.AddError("--replace needs --restore FILE");
        });
        command.SetAction(
            (Func<ParseResult, int>)(
                parsed =>
                {
                    var flags = HostFlags.Of(parsed.UnmatchedTokens, CommonOptions.RunDirIn(parsed));
                    var host = HostProgram.Find();
                    string[] arguments = parsed.GetValue(restore) is { } backup
                        ? ["--restore", Path.GetFullPath(backup), .. Replace(parsed), .. flags.Arguments]
                        : flags.Arguments;
                    var why = Native.Execute(host, arguments, flags.Environment);
                    throw new UnreachableException($"cannot start {host}: {why}");
                }
            )
        );
        return command;

        string[] Replace(ParseResult parsed) => parsed.GetValue(replace) ? ["--replace"] : [];
    }
}
