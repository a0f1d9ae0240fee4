using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Becomes the host, in the foreground.</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        const string Description =
            "Start Hive in the foreground; Ctrl-C stops it; agents go on where their runtime allows.";
        var command = new Command("up", Description) { TreatUnmatchedTokensAsErrors = false };
        command.SetAction(
            (Func<ParseResult, int>)(
                parsed =>
                {
                    var flags = HostFlags.Of(parsed.UnmatchedTokens, parsed.GetValue(CommonOptions.RunDir));
                    var host = HostProgram.Find();
                    var why = Native.Become(host, flags.Arguments, flags.Environment);
                    throw new UnreachableException($"cannot start {host}: {why}");
                }
            )
        );
        return command;
    }
}
