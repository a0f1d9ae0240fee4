using System.Globalization;
using Hive.Protocol;

namespace Hive.Tests.Workflows;

/// <summary>Makes workflows that keep every rule, with texts that are hard to write.</summary>
internal sealed class RandomWorkflow(int seed)
{
    private static readonly string[] Pieces =
    [
        "a",
        "Z",
        "word",
        " ",
        "  ",
        ":",
        ": ",
        " #",
        "#",
        "-",
        "- ",
        "\n",
        "\n\n",
        "\n  ",
        "\t",
        "\"",
        "'",
        "\\",
        "{",
        "}",
        "[",
        "]",
        ",",
        "&",
        "*",
        "!",
        "|",
        ">",
        "%",
        "@",
        "`",
        "?",
        "true",
        "null",
        "1",
        "1e3",
        "0x1",
        "é",
        "\u00A0",
        "\u2028",
        "\uFEFF",
        "📋",
        "---",
        "...",
    ];

    // Some of these have a usual status, which the export leaves out.
    private static readonly string[] Ids =
    [
        "PHASE_BACKLOG",
        "PHASE_B",
        "PHASE_REQUIREMENTS",
        "PHASE_IMPLEMENTATION",
        "PHASE_TESTING",
        "PHASE_F",
        "PHASE_7",
    ];

    private readonly Random random = new(seed);

    public Workflow Make()
    {
        var count = random.Next(2, Ids.Length + 1);
        List<Phase> phases = [.. Enumerable.Range(0, count).Select(i => MakePhase(i, count))];
        var columns = Columns(phases);
        if (Flip())
        {
            phases =
            [
                .. phases.Select(p =>
                    p.Terminal || Flip()
                        ? p
                        : p with
                        {
                            AllowedTransitions = [.. p.AllowedTransitions, Phase.BlockedId],
                        }
                ),
            ];
            phases.Insert(random.Next(1, count + 1), Blocked(count));
            columns.Add(Column("blocked", [Phase.BlockedId]));
        }

        return new Workflow(
            Name: Line(100),
            Title: Maybe(() => Line(200)),
            HasResult: Flip(),
            ResultCriteria: Maybe(() => Text(300)),
            OnResultFound: Any<OnResultFound>(),
            Phases: phases,
            BoardColumns: columns
        );
    }

    private Phase MakePhase(int at, int count)
    {
        var isLast = at == count - 1;
        // Each leads to the one after it, so that all are reached; further ones anywhere.
        string[] to = isLast
            ? []
            : [Ids[at + 1], .. Enumerable.Range(0, count).Where(i => i != at + 1 && Flip()).Select(i => Ids[i])];
        string[] back = [.. to.Where(id => Array.IndexOf(Ids, id) < at)];
        return new Phase(
            Id: Ids[at],
            Name: Line(100),
            Description: Maybe(() => Text(200)),
            Status: isLast
                ? PhaseStatus.Done
                : Pick(PhaseStatus.Backlog, PhaseStatus.Analyzing, PhaseStatus.Building, PhaseStatus.Testing),
            AllowedTransitions: to,
            Next: isLast ? null : Maybe(() => Ids[at + 1]),
            Terminal: isLast,
            MaxActive: Number(1, 10_000),
            DoneDefinitions: Texts(),
            ExpectedOutputs: Outputs(),
            PhasePrompt: Maybe(() => Text(300)),
            NextStepsGuide: Texts(),
            Tasks: Tasks(),
            Gate: Maybe(() =>
                new Gate(
                    Criteria: Criteria(),
                    MaxIterations: random.Next(1, 11),
                    OnFail: back.Length == 0 ? null : Maybe(() => Pick(back))
                )
            )
        );
    }

    // The overlay of blocked tickets, which is neither a place nor an end.
    private Phase Blocked(int count) =>
        new(
            Id: Phase.BlockedId,
            Name: Line(100),
            Description: Maybe(() => Text(200)),
            Status: Any<PhaseStatus>(),
            AllowedTransitions: [.. Ids.Take(count).Where(_ => Flip())],
            Terminal: Flip(),
            DoneDefinitions: [],
            ExpectedOutputs: [],
            NextStepsGuide: [],
            Tasks: []
        );

    // One phase or two that follow each other; the terminal one has a column of its own.
    private List<BoardColumn> Columns(List<Phase> phases)
    {
        List<BoardColumn> columns = [];
        for (var at = 0; at < phases.Count; )
        {
            var some = phases.Skip(at).Take(at + 2 < phases.Count && Flip() ? 2 : 1).ToArray();
            columns.Add(Column($"c{at}", [.. some.Select(p => p.Id)], some[0].Terminal));
            at += some.Length;
        }

        for (var i = 0; i + 1 < columns.Count; i++)
        {
            var (ids, target) = (columns[i].PhaseMapping, columns[i + 1]);
            var lead = phases.Where(p => ids.Contains(p.Id));
            if (Flip() && lead.All(p => p.Next is not null || p.AllowedTransitions.Contains(target.PhaseMapping[0])))
                columns[i] = columns[i] with { AutoTransitionTo = target.Id };
        }

        return columns;
    }

    private BoardColumn Column(string id, string[] phases, bool terminal = false) =>
        new(
            Id: id,
            Name: Line(100),
            Description: Maybe(() => Text(200)),
            PhaseMapping: phases,
            WipLimit: Number(1, 10_000),
            AutoTransitionTo: null,
            Pull: Any<ColumnPull>(),
            ColorTheme: Maybe(() => Pick("blue", "green", "yellow", "red", "gray")),
            Terminal: terminal
        );

    private TaskTemplate[] Tasks() =>
        [
            .. Enumerable
                .Range(0, random.Next(4))
                .Select(i => new TaskTemplate(
                    Type: $"type {i}",
                    Title: Title(),
                    Description: Maybe(() => Unbraced(Text(300)) + Pick("", "{ticket_priority}")),
                    Priority: Pick("CRITICAL", "HIGH", "MEDIUM", "LOW"),
                    Capabilities: Flip() ? [] : ["csharp", "über 2"],
                    DependsOn: [.. Enumerable.Range(0, i).Where(_ => Flip()).Select(d => $"type {d}")],
                    Quorum: null,
                    Locks: Flip() ? [] : ["repo:{ticket_repository}", "db:main #1"],
                    TimeoutSeconds: Number(1, 9999),
                    MaxRetries: Number(0, 100),
                    EstimateUsd: Maybe<decimal?>(() => random.Next(0, 100000) / 1000m),
                    Review: Maybe(() => "validator"),
                    Agent: Maybe(() => "alice"),
                    ExpectedOutputs: Outputs()
                ))
                .Select(t =>
                    t with
                    {
                        Quorum = t.DependsOn.Count == 0 ? null : Maybe(() => Quorum(t.DependsOn.Count)),
                    }
                ),
        ];

    private string Quorum(int most) =>
        most > 1 && Flip()
            ? random.Next(2, most + 1).ToString(CultureInfo.InvariantCulture)
            : Pick("first", "majority");

    // Braces would be placeholders.
    private string Title() => Pick("", "{ticket_title} ") + Unbraced(Line(200)) + Pick("", "{ticket_id}");

    private static string Unbraced(string text) => text.Replace('{', '(').Replace('}', ')');

    private ExpectedOutput[] Outputs() =>
        [
            .. Enumerable
                .Range(0, random.Next(3))
                .Select(_ => new ExpectedOutput(
                    Type: Line(100),
                    Pattern: Maybe(() => Pick("**/a.md", "/^a.*b$/", "prose: with colon")),
                    Required: Flip(),
                    ValidationRule: Maybe(() => Pick("min_length: 5", "min_passing: 3", "something else"))
                )),
        ];

    private Criterion[] Criteria() =>
        [
            .. Enumerable
                .Range(0, random.Next(4))
                .Select(_ =>
                    random.Next(5) switch
                    {
                        0 => new Criterion(TasksComplete: true),
                        1 => new Criterion(
                            Artifact: Line(50),
                            MinCount: Number(1, 9),
                            MinLength: Number(1, 900),
                            Sections: Maybe<IReadOnlyList<string>>(() => [Line(20), "scope"]),
                            Flag: Maybe(() => Line(30)),
                            Commit: Maybe(() => new CommitCriterion(Maybe(() => "main")))
                        ),
                        2 => Bounded(new Criterion(Artifact: "a", Field: Line(20))),
                        3 => Bounded(
                            new Criterion(Metric: $"{Pick("coverage", "p99.ms", "Lint-1")}_{random.Next(100)}")
                        ),
                        _ => Flip()
                            ? new Criterion(Operator: Text(300))
                            : new Criterion(
                                Validator: Text(300),
                                Capabilities: Maybe<IReadOnlyList<string>>(() => ["review"])
                            ),
                    }
                ),
        ];

    private Criterion Bounded(Criterion criterion) =>
        random.Next(3) switch
        {
            0 => criterion with { AtLeast = random.Next(-900, 900) / 8m },
            1 => criterion with { AtMost = random.Next(0, 1_000_000_000) },
            _ => criterion with { AtLeast = 0, AtMost = 0.5m },
        };

    private string Text(int most)
    {
        var text = string.Concat(Enumerable.Range(0, random.Next(1, 12)).Select(_ => Pick(Pieces)));
        text = string.IsNullOrWhiteSpace(text) ? "x" + text : text;
        return text.Length <= most ? text : "cut";
    }

    private string Line(int most)
    {
        var line = Text(most).Replace('\n', ' ').Replace('\t', ' ').Replace('\u2028', ' ').Trim();
        return line.Length > 0 ? line : "x";
    }

    private string[] Texts() => [.. Enumerable.Range(0, random.Next(3)).Select(_ => Text(200)).Distinct()];

    private int? Number(int least, int most) => Flip() ? null : random.Next(least, most + 1);

    private T? Maybe<T>(Func<T> make) => Flip() ? default : make();

    private T Any<T>()
        where T : struct, Enum => Pick(Enum.GetValues<T>());

    private T Pick<T>(params T[] values) => values[random.Next(values.Length)];

    private bool Flip() => random.Next(2) == 0;
}
