using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Becomes the host, in the foreground.</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        var command = new Command("up", "Start Hive in the foreground; Ctrl-C stops it, and agents go on where their runtime allows.") { TreatUnmatchedTokensAsErrors = false };
        command.SetAction((Func<ParseResult, int>)(parsed =>
        {
            var flags = HostFlags.Of(parsed.UnmatchedTokens, parsed.GetValue(CommonOptions.RunDir));
            var host = HostProgram.Find();
            throw new UnreachableException($"cannot start {host}: {Native.Become(host, flags.Arguments, flags.Environment)}");
        }));
        return command;
    }
}
