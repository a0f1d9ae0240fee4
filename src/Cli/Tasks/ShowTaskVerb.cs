using System.CommandLine;
using System.Text.Json;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary><c>hive task show</c>: prints a task with its result and its runs.</summary>
internal static class ShowTaskVerb
{
    private static readonly Screen.Column[] Runs = ["run", "agent", "claimed", "end", Screen.Column.Text("note")];

    public static Command Create()
    {
        var id = TaskWords.OneTask();
        return Verb.Create(
            "show",
            "Show a task with its result and its runs.",
            async (verb, parsed) =>
            {
                var answer = await verb.CallAsync("task", new { id = parsed.GetRequiredValue(id) });
                if (verb.Json)
                    JsonOutput.Print(answer);
                else
                    Show(verb.Screen, answer.GetProperty("task"));
            },
            id,
            CommonOptions.Wide()
        );
    }

    private static void Show(Screen screen, JsonElement found)
    {
        var task = found.Deserialize<TaskView>(WireJson.Options)!;
        var details = found.Deserialize<Details>(WireJson.Options)!;
        screen.Styled(Invariant($"task {task.Id}: {Plain.OneLine(task.Title)}"), "bold");
        screen.Line(Invariant($"{task.TaskType} of ticket {task.Ticket}, {task.PhaseId}, {task.Priority}"));
        var state = TaskWords.State(task);
        screen.Styled(state.Text, state.Style.Length > 0 ? state.Style : "default");
        foreach (var hold in task.Holds)
            screen.Line(Plain.OneLine($"  {hold.Hold}: {hold.Reason}"));
        if (details.Needs is { } needs)
            screen.Styled(Plain.OneLine($"  nobody can do it: it needs {needs}"), "magenta");
        Row("agent", TaskWords.AgentOf(task));
        Row("progress", task.Progress);
        Row("error", task.ErrorMessage);
        Row("capabilities", string.Join(", ", task.Capabilities));
        Row("depends on", string.Join(", ", task.DependsOn));
        Row("expected", string.Join(", ", details.ExpectedOutputs.Select(o => o.Type)));
        Row("tries", task.RetryCount > 0 ? Invariant($"{task.RetryCount} of {task.MaxRetries} repeated") : null);
        if (details.Description.Length > 0)
        {
            screen.Line();
            screen.Indented(details.Description);
        }

        if (details.Result is { } result)
        {
            screen.Line();
            screen.Indented(result.Summary);
            Items("decided", result.Decisions);
            Items("risk", result.Risks);
            Items("note", result.Notes);
        }

        if (details.Runs.Count > 0)
        {
            screen.Line();
            screen.Table(Runs, [.. details.Runs.Select(Cells)]);
        }

        void Row(string name, string? value)
        {
            if (!string.IsNullOrEmpty(value))
                screen.Line($"{name}: {Plain.OneLine(value)}");
        }

        void Items(string name, IReadOnlyList<string> texts)
        {
            foreach (var text in texts)
                screen.Line($"  {name}: {Plain.OneLine(text)}");
        }
    }

    private static Screen.Cell[] Cells(TaskRun run) =>
        [
            TicketWords.Number(run.Id),
            run.Agent,
            new(Screen.Age(run.ClaimedAt), "grey"),
            run.End is { } end ? new Screen.Cell(end, end is "completed" ? "green" : "yellow")
            : run.StartedAt is null ? "not started"
            : new Screen.Cell("running", "green"),
            run.Note ?? "",
        ];

    // The members that a row of the list does not have. A host of another version may leave out some and add others.
    private sealed record Details
    {
        public string Description { get; init; } = "";
        public IReadOnlyList<ExpectedOutput> ExpectedOutputs { get; init; } = [];
        public IReadOnlyList<TaskRun> Runs { get; init; } = [];
        public TaskResult? Result { get; init; }
        public string? Needs { get; init; }
    }
}
