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

    /// <summary>Sends a ticket back to the phase that its gate names, or makes rework in the phase itself.</summary>
    /// <returns>Why no task could be made; null when it was.</returns>
    public string? Add(IWrite write, GateCase gate, Judgement judgement)
    {
        var here = gate.Phase.Id;
        // When it cannot go back, the rework is made in the phase itself; also when somebody sent the ticket back, and
        // the phase has only to be done again.
        var back =
            !gate.IsToDoAgain
            && gate.Phase.Gate?.OnFail is { } to
            && tickets.Regress(write, gate.Ticket.Id, to, string.Join("; ", judgement.Reasons), Principals.System)
                ? to
                : null;
        // Around the making of tasks alone, which changes nothing when it is refused.
        try
        {
            if (back is not null)
            {
                // What a phase behind this one changes has to be shown here again.
                Reworked(
                    write,
                    gate,
                    back,
                    judgement.Shortcomings.Select(s => s.Reason),
                    SourceIn(gate, back, judgement)
                );
                foreach (var part in BySource(judgement))
                    Reworked(
                        write,
                        gate,
                        here,
                        part.Reasons,
                        part.Source,
                        $"The ticket went back to {back}. When it "
                            + "returns, do this again with what has changed, and hand in the evidence again."
                    );
                return null;
            }

            foreach (var (source, reasons) in BySource(judgement))
                Reworked(write, gate, here, reasons, source);
            return null;
        }
        catch (Problem e) when (e.Code is ErrorCode.Conflict or ErrorCode.Invalid or ErrorCode.TooLarge)
        {
            return e.Message;
        }
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
        tasks.Add(
            write,
            gate.Ticket.Id,
            new TaskSpec(
                TaskType,
                Cut($"Rework: {Bare(source?.Title ?? gate.Ticket.Title)}", TitleLength),
                Description: Cut(also is null ? text : $"{text}\n{also}", DescriptionLength),
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
        ?? gate.Tasks.Where(t => t.PhaseId == phaseId && t.Status == "completed" && t.Kind != GateCase.ReviewKind)
            .MaxBy(t => (t.CompletedAt, t.Id));

    private static IEnumerable<(TaskEntry? Source, IEnumerable<string> Reasons)> BySource(Judgement judgement) =>
        judgement.Shortcomings.GroupBy(s => s.Source?.Id).Select(g => (g.First().Source, g.Select(s => s.Reason)));

    // A rework of a rework keeps its name.
    private static string Bare(string title)
    {
        const string Prefix = "Rework: ";
        return title.StartsWith(Prefix, StringComparison.Ordinal) ? title[Prefix.Length..] : title;
    }

    private static string Cut(string text, int length)
    {
        if (text.Length <= length)
            return text;
        var end = length - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[end - 1]) ? end - 1 : end), "…");
    }
}
