using System.CommandLine;
using System.Text.Json;

namespace Hive.Cli.Containers;

/// <summary><c>hive update-all</c>: rebuilds every agent that needs an update.</summary>
internal static class UpdateAllVerb
{
    public static Command Create() =>
        Verb.Create(
            "update-all",
            "Rebuild every agent that needs an update, one after another.",
            async (verb, _) =>
            {
                var rows = (await verb.CallAsync("agent_status")).GetProperty("agent_statuses").EnumerateArray();
                var names = rows.Where(r => r.GetProperty("needs_update").GetBoolean())
                    .Select(r => r.GetProperty("name").GetString())
                    .ToArray();
                verb.Report(
                    await verb.CallAsync("update_all"),
                    names.Length == 0
                        ? "no agent needs an update"
                        : $"being rebuilt, one after another: {string.Join(", ", names)}; hive watch shows it"
                );
            }
        );
}
