using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>The names of all agents, one a line.</summary>
internal static class ListVerb
{
    public static Command Create() =>
        HostVerb.Create(
            "list",
            "List the names of all agents, one a line.",
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("list");
                if (verb.Json)
                    HostVerb.Print(answer);
                else
                {
                    foreach (var name in answer.GetProperty("agents").EnumerateArray())
                        verb.Screen.Line(name.GetString()!);
                }
            }
        );
}
