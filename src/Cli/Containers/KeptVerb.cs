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
                verb.Screen.Line("hive spawn NAME gives it back to a new agent; hive purge NAME deletes it.");
            },
            CommonOptions.Wide
        );

    private static Screen.Cell[] Cells(Row row) =>
        [
            row.Name,
            Size(row.StateBytes),
            new Screen.Cell(Screen.Age(row.ModifiedAt), "grey"),
            row.HasCredentials ? new Screen.Cell("yes", "yellow") : new Screen.Cell("no", "grey"),
        ];

    private static string Size(long bytes) =>
        bytes switch
        {
            < 1 << 10 => string.Create(CultureInfo.InvariantCulture, $"{bytes} B"),
            < 1 << 20 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0:0.0} KiB"),
            < 1 << 30 => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024:0.0} MiB"),
            _ => string.Create(CultureInfo.InvariantCulture, $"{bytes / 1024.0 / 1024 / 1024:0.0} GiB"),
        };

    private sealed record Row(string Name, long StateBytes, DateTimeOffset ModifiedAt, bool HasCredentials);
}
