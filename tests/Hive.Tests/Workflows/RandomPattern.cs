using System.Globalization;
using Hive.Protocol;

namespace Hive.Tests.Workflows;

/// <summary>Makes patterns that keep every rule.</summary>
internal sealed class RandomPattern(int seed)
{
    private const string List = "members";

    private readonly Random random = new(seed);

    public Pattern Make()
    {
        List<PatternStep> steps = [];
        var count = random.Next(1, 6);
        while (steps.Count < count)
            steps.Add(Step(steps));
        return new Pattern(
            Name: Pick("vote", "two words", "über: all"),
            Description: Maybe(() => Pick("One line.", "Two\nlines.\n", "- #")),
            Parameters: new Dictionary<string, PatternParameter>
            {
                ["question"] = Pick(PatternParameter.Text, PatternParameter.Number, PatternParameter.Agent),
                [List] = PatternParameter.List,
            },
            Steps: steps
        );
    }

    private PatternStep Step(List<PatternStep> before)
    {
        string[] on = [.. before.Select(s => s.Ref).Where(_ => Flip())];
        var kind = on.Length == 0 ? PatternStepKind.Work : Pick(Enum.GetValues<PatternStepKind>());
        var isWork = kind == PatternStepKind.Work;
        var each = isWork ? Maybe(() => List) : null;
        var strategy = kind == PatternStepKind.Merge ? Maybe(() => Pick("combine", "union", "custom")) : null;
        return new PatternStep(
            Ref: $"step{before.Count}",
            Kind: kind,
            ForEach: each,
            TaskType: isWork ? "review" : Maybe(() => "review"),
            Title: isWork ? Filled(each) : Maybe(() => Filled(each)),
            Description: Maybe(() => $"{Filled(each)}\nand more"),
            PhaseId: Maybe(() => "PHASE_TESTING"),
            Priority: Maybe(() => Pick("CRITICAL", "HIGH", "MEDIUM", "LOW")),
            Capabilities: isWork && Flip() ? ["csharp", "review"] : [],
            Agent: isWork ? Maybe(() => each is null ? "alice" : "{item}") : null,
            DependsOn: on,
            Quorum: on.Length == 0 ? null : Maybe(() => Quorum(on.Length)),
            MergeStrategy: strategy,
            Fields: strategy == "custom" ? ["summary", "score"] : [],
            TimeoutSeconds: Flip() ? null : random.Next(1, 7 * 86400)
        );
    }

    private string Quorum(int most) =>
        most > 1 && Flip()
            ? random.Next(2, most + 1).ToString(CultureInfo.InvariantCulture)
            : Pick("first", "majority");

    private string Filled(string? each) =>
        Pick("Plain", "About {question}", each is null ? "#1" : "For {item}: {question}");

    private T? Maybe<T>(Func<T> make) => Flip() ? default : make();

    private T Pick<T>(params T[] values) => values[random.Next(values.Length)];

    private bool Flip() => random.Next(2) == 0;
}
