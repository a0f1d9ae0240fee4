using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Containers;

/// <summary><c>hive kept</c>: lists the data that is kept of destroyed agents.</summary>
internal static class KeptVerb
{
    public static Command Create() =>
        Verb.Create(
            "kept",
            "List what is kept of destroyed agents.",
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("tombstones");
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var kept = answer.GetProperty("tombstones").Deserialize<Row[]>(WireJson.Options)!;
                if (kept.Length == 0)
                {
                    verb.Screen.Line("Nothing is kept of destroyed agents.");
                    return;
                }

                verb.Screen.Table([Screen.Column.Name("agent"), "notes", "changed", "logins"], [.. kept.Select(Cells)]);
                verb.Screen.Line("hive revive NAME brings an agent back; hive purge NAME deletes what is kept.");
            },
            CommonOptions.Wide()
        );

    private static Screen.Cell[] Cells(Row row) =>
        [
            row.Name,
            Screen.Bytes(row.StateBytes),
            new Screen.Cell(Screen.Age(row.ModifiedAt), "grey"),
            row.HasCredentials ? new Screen.Cell("yes", "yellow") : new Screen.Cell("no", "grey"),
        ];

    private sealed record Row(string Name, long StateBytes, DateTimeOffset ModifiedAt, bool HasCredentials);
}
