namespace Hive.Features.Gates;

/// <summary>The failures of a gate in a row, counted until a person decides.</summary>
/// <param name="Iteration">The failures since the gate passed or a person was asked.</param>
/// <param name="Last">The reasons of the newest failure of them; null for none.</param>
/// <param name="IsForPerson">The newest failure goes to a person: it is the last of those allowed, or it has the
/// reasons of the failure before it.</param>
internal sealed record Rounds(int Iteration, IReadOnlyList<string>? Last, bool IsForPerson)
{
    /// <summary>How often a gate may fail when its workflow does not say.</summary>
    public const int Usual = 3;

    private static readonly Rounds None = new(0, null, false);

    /// <summary>Counts failures in their order.</summary>
    public static Rounds Of(IEnumerable<IReadOnlyList<string>> failures, int most) =>
        failures.Aggregate(None, (rounds, reasons) => rounds.With(reasons, most));

    /// <summary>Counts one more failure. After one that went to a person the count begins again.</summary>
    public Rounds With(IReadOnlyList<string> reasons, int most)
    {
        var before = IsForPerson ? None : this;
        var iteration = before.Iteration + 1;
        return new Rounds(
            iteration,
            reasons,
            iteration >= most || (before.Last is { } last && last.SequenceEqual(reasons))
        );
    }
}
