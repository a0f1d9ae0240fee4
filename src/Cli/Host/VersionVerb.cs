using System.CommandLine;
using System.Reflection;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Hive.Cli.Host;

/// <summary><c>hive version</c>: prints the versions of this command and of the running host.</summary>
internal static class VersionVerb
{
    // Without the commit, which the build appends after +.
    private static string Own =>
        typeof(VersionVerb)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];

    public static Command Create() =>
        Verb.Create(
            "version",
            "Show the versions of this command and of the running host.",
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
                        document["host"] = JsonOutput.WithoutEnvelope(answered);
                    JsonOutput.Print(document);
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
