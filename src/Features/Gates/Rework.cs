using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Makes the tasks that cure what a gate lacks.</summary>
internal sealed class Rework(ITickets tickets, ITasks tasks)
{
    /// <summary>The type of these tasks.</summary>
    public const string TaskType = "rework";

    private const int TitleLength = 500;

    // A description is text for one task; the gate shows all reasons.
    private const int DescriptionLength = 4000;

    /// <summary>A task of a ticket with those whose work it does again, and those that do its work again.</summary>
    public static IReadOnlySet<long> LineOf(IEnumerable<TaskEntry> tasks, long task)
    {
        var all = tasks.ToDictionary(t => t.Id);
        var first = FirstOf(all, task);
        return all.Keys.Where(id => FirstOf(all, id) == first).Append(task).ToHashSet();
    }

    /// <summary>The task whose work a task does again, or the task itself.</summary>
    public static long FirstOf(IReadOnlyDictionary<long, TaskEntry> tasks, long task)
    {
        while (tasks.GetValueOrDefault(task)?.ReworkOf is { } from)
            task = from;
        return task;
    }

    /// <summary>Of artifacts that are not superseded those that count, the newest first: of each type in a phase what
    /// was handed in last, by one task or without any.</summary>
    public static IReadOnlyList<Artifact> Latest(IEnumerable<Artifact> artifacts, IEnumerable<TaskEntry> tasks)
    {
        var all = tasks.ToDictionary(t => t.Id);
        long? Line(Artifact artifact) => artifact.Task is { } task ? FirstOf(all, task) : null;
        return
        [
            .. artifacts
                .GroupBy(a => (a.PhaseId, a.Type))
                .SelectMany(of => of.MaxBy(a => a.Id) is { } last ? of.Where(a => Line(a) == Line(last)) : [])
                .OrderByDescending(a => a.Id),
        ];
    }

    /// <summary>Sends a ticket back to the phase that its gate names, or makes rework in the phase itself.</summary>
    /// <returns>Why no task could be made; null when all were.</returns>
    /// <exception cref="Problem">A task was refused; the ticket may have moved by then.</exception>
    public string? Add(IWrite write, GateCase gate, Judgement judgement)
    {
        var here = gate.Phase.Id;
        var parts = BySource(judgement).ToArray();
        // Also when somebody sent the ticket back, and the phase has only to be done again, rework is made here.
        var to = gate.IsToDoAgain ? null : gate.Phase.Gate?.OnFail;
        var isBack = to is not null && tickets.CanRegress(write.Db, gate.Ticket.Id, to);
        // Before anything changes: a part of the rework alone would not cure the gate.
        if (tasks.NoRoom(write, gate.Ticket.Id, parts.Length + (isBack ? 1 : 0)) is { } fault)
            return fault;
        if (isBack)
        {
            tickets.Regress(write, gate.Ticket.Id, to!, string.Join("; ", judgement.Reasons), Principals.System);
            Reworked(write, gate, to!, judgement.Shortcomings.Select(s => s.Reason), SourceIn(gate, to!, judgement));
        }

        // A change of an earlier phase has to be shown here again.
        var also = isBack
            ? $"The ticket went back to {to}. When it returns, do this again with what has changed, and hand in the "
                + "evidence again."
            : null;
        foreach (var (source, reasons) in parts)
            Reworked(write, gate, here, reasons, source, also);
        return null;
    }

    private void Reworked(
        IWrite write,
        GateCase gate,
        string phaseId,
        IEnumerable<string> reasons,
        TaskEntry? source,
        string? also = null
    )
    {
        var text = $"The gate of {gate.Phase.Id} failed:\n- {string.Join("\n- ", reasons.Distinct())}";
        if (also is not null)
            text += $"\n{also}";
        // The ticket's own description is told beside that of the task.
        if (source is not null && FirstOf(gate.Tasks.ToDictionary(t => t.Id), source.Id) is var first)
        {
            var asked = tasks.Require(write.Db, first).Description;
            if (asked.Length > 0 && asked != gate.Ticket.Description)
                text += $"\n\nThe task was:\n{asked}";
        }

        tasks.Add(
            write,
            gate.Ticket.Id,
            new TaskSpec(
                TaskType,
                TextRules.CutCharacters($"Rework: {Bare(source?.Title ?? gate.Ticket.Title)}", TitleLength),
                Description: TextRules.CutCharacters(text, DescriptionLength),
                PhaseId: phaseId,
                Capabilities: source?.Capabilities
            ),
            Principals.System,
            prefers: source?.Agent,
            parent: source?.Id
        );
    }

    // The task of a phase behind this one whose evidence failed, else the last one that it completed.
    private static TaskEntry? SourceIn(GateCase gate, string phaseId, Judgement judgement) =>
        judgement.Shortcomings.Select(s => s.Source).FirstOrDefault(t => t?.PhaseId == phaseId)
        ?? gate.Tasks.Where(t =>
                t.PhaseId == phaseId && t is { Status: "completed", IsJoin: false } && t.Kind != GateCase.ReviewKind
            )
            .MaxBy(t => (t.CompletedAt, t.Id));

    private static IEnumerable<(TaskEntry? Source, IEnumerable<string> Reasons)> BySource(Judgement judgement) =>
        judgement.Shortcomings.GroupBy(s => s.Source?.Id).Select(g => (g.First().Source, g.Select(s => s.Reason)));

    // A rework of a rework keeps its name.
    private static string Bare(string title)
    {
        const string Prefix = "Rework: ";
        return title.StartsWith(Prefix, StringComparison.Ordinal) ? title[Prefix.Length..] : title;
    }
}
