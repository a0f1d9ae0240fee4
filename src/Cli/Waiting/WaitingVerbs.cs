using System.CommandLine;

namespace Hive.Cli.Waiting;

internal static class WaitingVerbs
{
    public static Command[] All() => [ListWaitingVerb.Create(), NextVerb.Create()];
}
