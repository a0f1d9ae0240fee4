using System.CommandLine;

namespace Hive.Cli.Agents;

/// <summary><c>hive list</c>: prints the names of all agents.</summary>
internal static class ListVerb
{
    public static Command Create() =>
        Verb.Create(
            "list",
            "List the names of all agents, one per line.",
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("list");
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                {
                    foreach (var name in answer.GetProperty("agents").EnumerateArray())
                        verb.Screen.Line(name.GetString()!);
                }
            }
        );
}
