using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Becomes the host, in the foreground.</summary>
internal static class UpVerb
{
    public static Command Create()
    {
        var command = new Command("up", """
            Start Hive in the foreground. Every flag passes through to the host:
              --DataDir DIR  --RunDir DIR  --Urls http://127.0.0.1:7000  --Runtime auto|sandbox|process  --Driver auto|scripted
            Ctrl-C stops it.
            """)
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction((Func<ParseResult, int>)(parsed =>
        {
            var host = HostProgram.Find();
            string[] runDir = parsed.GetValue(CommonOptions.RunDir) is { } dir ? ["--RunDir", dir] : [];
            throw new UnreachableException($"cannot start {host}: {Native.Become(host, [.. parsed.UnmatchedTokens, .. runDir], HostProgram.Environment())}");
        }));
        return command;
    }
}
