using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Cli.Verbs;

/// <summary>Which Hive this is, and which one runs.</summary>
internal static class VersionVerb
{
    // What the build appends after + names a commit; a person asks for the number.
    private static string Own =>
        typeof(VersionVerb)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    public static Command Create() =>
        HostVerb.Create(
            "version",
            "Show the version of this command and of the host that runs.",
            async (verb, _) =>
            {
                JsonElement? host = null;
                string? why = null;
                try
                {
                    host = await verb.CallAsync("version");
                }
                catch (UnreachableException e)
                {
                    why = e.Message;
                }

                if (verb.Json)
                {
                    var document = new JsonObject { ["hive_version"] = Own };
                    if (host is { } answered)
                        document["host"] = new JsonObject(
                            answered
                                .EnumerateObject()
                                .Where(m => m.Name is not ("ok" or "version"))
                                .Select(m => KeyValuePair.Create(m.Name, JsonSerializer.SerializeToNode(m.Value)))
                        );
                    HostVerb.Print(document);
                    return;
                }

                verb.Screen.Line($"hive {Own}");
                verb.Screen.Line(
                    host is { } h ? $"host {Text(h, "hive_version")}, SQLite {Text(h, "sqlite_version")}" : why!
                );
            }
        );

    private static string Text(JsonElement answer, string member) =>
        answer.TryGetProperty(member, out var value) ? value.ToString() : "?";
}
