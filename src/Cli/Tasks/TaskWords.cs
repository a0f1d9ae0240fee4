using System.CommandLine;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Cli.Tickets;
using Hive.Protocol;
using static System.FormattableString;

namespace Hive.Cli.Tasks;

/// <summary>The words and styles of tasks, and the table that lists them.</summary>
internal static class TaskWords
{
    public static readonly Screen.Column[] Heads =
    [
        "id",
        "ticket",
        Screen.Column.Name("state"),
        Screen.Column.Text("title"),
        Screen.Column.Name("agent"),
        "priority",
        "age",
        Screen.Column.Text("about"),
    ];

    private static readonly string[] NeedSomebody = ["operator", "failed_dependency"];

    public static Screen.Cell[] Cells(TaskView task) =>
        [
            TicketWords.Number(task.Id),
            new(TicketWords.Number(task.Ticket), "grey"),
            State(task),
            task.Title,
            AgentOf(task),
            TicketWords.Priority(task.Priority),
            new(Screen.Age(task.CompletedAt ?? task.StartedAt ?? task.ReadyAt ?? task.CreatedAt), "grey"),
            About(task),
        ];

    /// <summary>The agent that has it or had it last, or the only one that may have it; empty for any.</summary>
    public static string AgentOf(TaskView task) =>
        task.Agent ?? (task.WantsAgent is { } wanted ? $"only {wanted}" : "");

    /// <summary>Its status; of a pending task, <c>ready</c> or a hold.</summary>
    public static Screen.Cell State(TaskView task) =>
        task.Status switch
        {
            "pending" when task.Holds.Count == 0 => new("ready", "cyan"),
            "pending" => Hold(task.Holds),
            "assigned" => new("assigned", "green"),
            "running" when task.ProgressPercent is { } percent => new(Invariant($"running {percent}%"), "green"),
            "running" => new("running", "green"),
            "reviewing" => new("reviewing", "yellow"),
            "failed" => new("failed", "red"),
            _ => new(task.Status, "grey"),
        };

    // The one that needs somebody comes first; the reasons of all stand beside it.
    private static Screen.Cell Hold(IReadOnlyList<TaskHold> holds)
    {
        var hold = holds.Select(h => h.Hold).MinBy(h => Array.IndexOf(NeedSomebody, h) is var at and >= 0 ? at : 9)!;
        return new Screen.Cell(hold, NeedSomebody.Contains(hold) ? "magenta" : "grey");
    }

    /// <summary>The words of its agent, the reason of its failure, or the reasons why it waits.</summary>
    public static string About(TaskView task) =>
        task.Status switch
        {
            "pending" when task.NotBefore > DateTimeOffset.UtcNow => Invariant(
                $"again in {Screen.Left(task.NotBefore)}, try {task.RetryCount + 1} of {task.MaxRetries + 1}"
            ),
            "pending" => string.Join("; ", task.Holds.Select(h => h.Reason)),
            "failed" or "cancelled" => task.ErrorMessage ?? "",
            "completed" => "",
            _ => task.Progress ?? "",
        };

    /// <summary>A sign for the beginning of a line.</summary>
    public static string Sign(TaskView task) =>
        task.Status switch
        {
            "completed" => "✔",
            "failed" => "✘",
            "cancelled" => "–",
            "assigned" or "running" => "▶",
            "reviewing" => "?",
            _ => task.Holds.Count == 0 ? "○" : "·",
        };

    public static Argument<long> OneTask() => CommonOptions.Id("The task's id, from hive task list", Known.TasksAsync);

    public static Argument<long[]> SeveralTasks() =>
        new Argument<long[]>("ID")
        {
            Description = "The tasks' ids, from hive task list",
            Arity = ArgumentArity.OneOrMore,
        }.CompletedBy(Known.TasksAsync);
}
