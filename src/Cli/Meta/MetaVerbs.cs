using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Meta;

/// <summary><c>hive inputs</c>: lists the repositories that agents are built with, and updates their pins.</summary>
internal static class MetaVerbs
{
    private const int ShownRevision = 12;

    public static Command[] All()
    {
        var inputs = Verb.Create(
            "inputs",
            "List the repositories that agents are built with, and their pinned revisions.",
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("inputs");
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                var rows = answer.GetProperty("meta_inputs").Deserialize<Row[]>(WireJson.Options)!;
                if (rows.Length == 0)
                    verb.Screen.Line("No agent is built with an input.");
                else
                    verb.Screen.Table(
                        [
                            Screen.Column.Name("input"),
                            "revision",
                            "committed",
                            Screen.Column.Text("url"),
                            Screen.Column.Text("agents"),
                        ],
                        [.. rows.Select(Cells)]
                    );
            },
            CommonOptions.Wide()
        );
        inputs.Subcommands.Add(Update());
        return [inputs];
    }

    private static Command Update()
    {
        var names = new Argument<string[]>("INPUT")
        {
            Description = "The inputs, from hive inputs",
            Arity = ArgumentArity.OneOrMore,
        }.CompletedBy(Known.InputsAsync);
        return Verb.Create(
            "update",
            "Pin inputs to the current revisions of their refs, and rebuild the agents that use them.",
            async (verb, parsed) =>
            {
                var chosen = parsed.GetRequiredValue(names);
                verb.Report(
                    await verb.CallAsync("update_inputs", new { inputs = chosen }),
                    $"fetched {string.Join(", ", chosen)}; agents that use them are rebuilt where a pin moved"
                );
            },
            names
        );
    }

    private static Screen.Cell[] Cells(Row row) =>
        [
            row.Name,
            row.LockedRev.Length > ShownRevision ? row.LockedRev[..ShownRevision] : row.LockedRev,
            new Screen.Cell(Screen.Age(row.ModifiedAt), "grey"),
            row.Url,
            string.Join(", ", row.Agents),
        ];

    private sealed record Row(
        string Name,
        string LockedRev,
        DateTimeOffset ModifiedAt,
        string[] Agents,
        string? Url = null
    );
}
