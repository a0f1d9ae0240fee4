using System.CommandLine;
using System.Globalization;
using System.Text.Json;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli.Workflows;

/// <summary><c>hive workflow</c> and <c>hive pattern</c>: list, load, export, apply and delete definitions.</summary>
internal static class WorkflowsVerbs
{
    public static Command[] All() => [Workflow(), Pattern()];

    private static Command Workflow()
    {
        var workflow = ListWorkflows("workflow", "List, load, export and delete workflows.");
        workflow.Subcommands.Add(ListWorkflows("list", "List the workflows."));
        workflow.Subcommands.Add(LoadWorkflow());
        workflow.Subcommands.Add(ExportWorkflow());
        workflow.Subcommands.Add(Delete("workflow", Known.WorkflowsAsync));
        return workflow;
    }

    private static Command Pattern()
    {
        var pattern = ListPatterns("pattern", "Load, apply, export and delete patterns of tasks.");
        pattern.Subcommands.Add(ListPatterns("list", "List the patterns."));
        pattern.Subcommands.Add(LoadPattern());
        pattern.Subcommands.Add(ExportPattern());
        pattern.Subcommands.Add(Tasks.ApplyPatternVerb.Create());
        pattern.Subcommands.Add(Delete("pattern", Known.PatternsAsync));
        return pattern;
    }

    private static Command ListWorkflows(string name, string description) =>
        Verb.Create(
            name,
            description,
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("workflows");
                if (verb.Json)
                {
                    JsonOutput.Print(answer);
                    return;
                }

                verb.Screen.Table(
                    [
                        Screen.Column.Name("workflow"),
                        "version",
                        "phases",
                        "columns",
                        "default",
                        Screen.Column.Text("title"),
                    ],
                    [
                        .. answer
                            .GetProperty("workflows")
                            .Deserialize<WorkflowView[]>(WireJson.Options)!
                            .Select(w =>
                                (Screen.Cell[])
                                    [
                                        w.Name,
                                        Number(w.Version),
                                        Number(w.Spec.Phases.Count),
                                        Number(w.Spec.BoardColumns.Count),
                                        w.IsDefault ? "yes" : "",
                                        w.Title ?? "",
                                    ]
                            ),
                    ]
                );
            },
            CommonOptions.Wide()
        );

    private static Command ListPatterns(string name, string description) =>
        Verb.Create(
            name,
            description,
            async (verb, _) =>
            {
                var answer = await verb.CallAsync("patterns");
                var patterns = answer.GetProperty("patterns").Deserialize<PatternView[]>(WireJson.Options)!;
                if (verb.Json)
                    JsonOutput.Print(answer);
                else if (patterns.Length == 0)
                    verb.Screen.Line("No patterns.");
                else
                    verb.Screen.Table(
                        [
                            Screen.Column.Name("pattern"),
                            "version",
                            "steps",
                            Screen.Column.Text("parameters"),
                            Screen.Column.Text("description"),
                        ],
                        [
                            .. patterns.Select(p =>
                                (Screen.Cell[])
                                    [
                                        p.Name,
                                        Number(p.Version),
                                        Number(p.Spec.Steps.Count),
                                        string.Join(", ", p.Spec.Parameters.Keys),
                                        p.Spec.Description ?? "",
                                    ]
                            ),
                        ]
                    );
            },
            CommonOptions.Wide()
        );

    private static Command LoadWorkflow()
    {
        var file = GivenFile.Argument();
        var replace = new Option<bool>("--replace") { Description = "Replace the workflow of that name" };
        var isDefault = new Option<bool>("--default") { Description = "Use it for tickets that name no workflow" };
        var move = new Option<string[]>("--move")
        {
            Description = "Move tickets out of a phase that goes: PHASE_OLD=PHASE_NEW",
            HelpName = "OLD=NEW",
        };
        return Verb.Create(
            "load",
            "Load a workflow from a YAML file.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "workflow_load",
                    new
                    {
                        text = await GivenFile.ReadAsync(parsed.GetRequiredValue(file), verb.Cancelled),
                        replace = parsed.GetValue(replace),
                        @default = parsed.GetValue(isDefault),
                        move = Moves(parsed.GetValue(move) ?? []),
                    }
                );
                var (name, moved) = (
                    answer.GetProperty("workflow").GetProperty("name").GetString(),
                    answer.GetProperty("moved").GetInt32()
                );
                verb.Report(
                    answer,
                    $"loaded {name}: {answer.GetProperty("phases_loaded")} phases, "
                        + $"{answer.GetProperty("columns_loaded")} columns"
                        + (moved > 0 ? $", {Number(moved)} tickets moved" : "")
                );
                if (verb.Json)
                    return;
                foreach (var warning in answer.GetProperty("warnings").EnumerateArray())
                    verb.Screen.Styled(
                        $"line {warning.GetProperty("line")}, column {warning.GetProperty("column")}: "
                            + warning.GetProperty("text").GetString(),
                        "yellow"
                    );
            },
            file,
            replace,
            isDefault,
            move
        );
    }

    private static Command LoadPattern()
    {
        var file = GivenFile.Argument();
        var replace = new Option<bool>("--replace") { Description = "Replace the pattern of that name" };
        return Verb.Create(
            "load",
            "Load a pattern from a YAML file.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync(
                    "pattern_load",
                    new
                    {
                        text = await GivenFile.ReadAsync(parsed.GetRequiredValue(file), verb.Cancelled),
                        replace = parsed.GetValue(replace),
                    }
                );
                var pattern = answer.GetProperty("pattern").Deserialize<PatternView>(WireJson.Options)!;
                verb.Report(answer, $"loaded {pattern.Name}: {Number(pattern.Spec.Steps.Count)} steps");
            },
            file,
            replace
        );
    }

    private static Command ExportWorkflow()
    {
        var name = NameOf("workflow", Known.WorkflowsAsync);
        var dialect = new Option<string>("--dialect")
        {
            Description = "The keys of the file: hive or upstream",
            DefaultValueFactory = _ => "hive",
        };
        dialect.AcceptOnlyFromAmong("hive", "upstream");
        return Verb.Create(
            "export",
            "Print a workflow as YAML that loads again.",
            async (verb, parsed) =>
                Print(
                    verb,
                    await verb.CallAsync(
                        "workflow_export",
                        new { name = parsed.GetRequiredValue(name), dialect = parsed.GetValue(dialect) }
                    )
                ),
            name,
            dialect
        );
    }

    private static Command ExportPattern()
    {
        var name = NameOf("pattern", Known.PatternsAsync);
        return Verb.Create(
            "export",
            "Print a pattern as YAML that loads again.",
            async (verb, parsed) =>
                Print(verb, await verb.CallAsync("pattern_export", new { name = parsed.GetRequiredValue(name) })),
            name
        );
    }

    private static Command Delete(string noun, Func<HivePaths, CancellationToken, Task<Candidate[]>> known)
    {
        var name = NameOf(noun, known);
        return Verb.Create(
            "delete",
            $"Delete a {noun}.",
            async (verb, parsed) =>
            {
                var chosen = parsed.GetRequiredValue(name);
                verb.Report(await verb.CallAsync($"{noun}_delete", new { name = chosen }), $"{chosen} is deleted");
            },
            name
        );
    }

    private static void Print(VerbContext verb, JsonElement answer)
    {
        if (verb.Json)
            JsonOutput.Print(answer);
        else
            Display.Current.Output.Write(answer.GetProperty("text").GetString());
    }

    private static Argument<string> NameOf(string noun, Func<HivePaths, CancellationToken, Task<Candidate[]>> known) =>
        new Argument<string>("NAME") { Description = $"The {noun}, from hive {noun} list" }.CompletedBy(known);

    private static Dictionary<string, string>? Moves(string[] given)
    {
        if (given.Length == 0)
            return null;
        Dictionary<string, string> moves = [];
        foreach (var move in given)
        {
            if (move.Split('=') is not [{ Length: > 0 } from, { Length: > 0 } to])
                throw new UsageException($"--move {move}: write PHASE_OLD=PHASE_NEW");
            moves[from] = to;
        }

        return moves;
    }

    private static string Number(int number) => number.ToString(CultureInfo.InvariantCulture);
}
