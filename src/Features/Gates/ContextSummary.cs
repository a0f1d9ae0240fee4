namespace Hive.Features.Gates;

/// <summary>Shortens what phases hand on to a text. No model is called for it.</summary>
internal static class ContextSummary
{
    /// <summary>The most points of a summary.</summary>
    public const int Points = 20;

    /// <summary>The most characters of a summary, with its mark of being cut.</summary>
    public const int Characters = 2000;

    private const string Nothing = "No task of this phase was completed.";

    private const string Cutoff = " ...";

    /// <summary>A phase in short: what its tasks did, its decisions and its risks.</summary>
    public static string OfPhase(
        IReadOnlyList<ContextTask> tasks,
        IReadOnlyList<string> decisions,
        IReadOnlyList<string> risks
    )
    {
        if (tasks.Count == 0)
            return Nothing;
        var text = Joined("", tasks.Select(t => t.Summary));
        foreach (var part in (string[])[Joined("Decisions: ", decisions), Joined("Risks: ", risks)])
        {
            var end = text is "" or [.., '!' or '?'] ? " " : ". ";
            text = part.Length == 0 ? text : $"{text}{end}{part}".TrimStart();
        }

        return Cut(text);
    }

    // Each text once, and without the full stop that its author may have written.
    private static string Joined(string title, IEnumerable<string> texts)
    {
        var joined = string.Join("; ", texts.Select(t => t.Trim().TrimEnd('.')).Where(t => t.Length > 0).Distinct());
        return joined.Length == 0 ? "" : title + joined;
    }

    /// <summary>Phases in short, as a heading and points.</summary>
    /// <param name="contexts">The phases in their order.</param>
    /// <param name="nameOf">The name of a phase.</param>
    public static string Of(IReadOnlyList<PhaseContext> contexts, Func<string, string> nameOf) =>
        Of(
            contexts.SelectMany(c =>
                c.Decisions.Select(d => $"Decision: {d}")
                    .Concat(c.Risks.Select(r => $"Risk: {r}"))
                    .Concat(c.Tasks.Take(1).Select(t => $"First task ({t.Type}): {t.Summary}"))
                    .Prepend($"{nameOf(c.PhaseId)}: {c.Summary}")
            )
        );

    /// <summary>Points under a heading.</summary>
    public static string Of(IEnumerable<string> points) =>
        Cut(string.Join('\n', points.Take(Points).Select(p => $"- {p}").Prepend("Handed on by earlier phases:")));

    /// <summary>Cuts a text at a word.</summary>
    public static string Cut(string text)
    {
        if (text.Length <= Characters)
            return text;
        var kept = text.AsSpan(0, Characters - Cutoff.Length);
        var space = kept.LastIndexOfAny(' ', '\n');
        if (space > 0)
            kept = kept[..space];
        else if (char.IsHighSurrogate(kept[^1]))
            kept = kept[..^1];
        return string.Concat(kept.TrimEnd(), Cutoff);
    }
}
