using System.Text.RegularExpressions;
using Hive.Common.Doors;

namespace Hive.Features.Agents.Contracts;

/// <summary>The rules for duties, capabilities, tags and phases, the same in files and requests.</summary>
internal static partial class WorkWords
{
    /// <summary>The most capabilities or tags of one agent.</summary>
    public const int Most = 50;

    /// <summary>The most characters of one capability or tag.</summary>
    public const int Length = 50;

    /// <summary>The words for a duty in <c>agent.yaml</c>.</summary>
    public const string Duties = "'worker' or 'validator'";

    /// <summary>Trims capabilities or tags, writes them in lower case, and drops blank and repeated ones.</summary>
    public static IReadOnlyList<string> Normalise(IEnumerable<string> words) =>
        [
            .. words
                .Select(word => word.Trim().ToLowerInvariant())
                .Where(word => word.Length > 0)
                .Distinct(StringComparer.Ordinal),
        ];

    /// <summary>Says what is wrong with one capability or tag; null when nothing is.</summary>
    public static string? Fault(string word) =>
        word.Trim().Length > Length ? $"is longer than {Length} characters"
        : word.Any(char.IsControl) ? "contains control characters"
        : null;

    /// <summary>Says what is wrong with the id of a phase; null when nothing is.</summary>
    public static string? PhaseFault(string phase) =>
        Phase().IsMatch(phase) ? null : "is not a phase's id, such as PHASE_IMPLEMENTATION";

    /// <summary>The duty that a word names; null for an unknown word.</summary>
    public static Duty? DutyOf(string word) =>
        word switch
        {
            "worker" => Duty.Worker,
            "validator" => Duty.Validator,
            "none" => Duty.None,
            _ => null,
        };

    /// <summary>The word for a duty; null for none.</summary>
    public static string? Word(this Duty duty) => duty == Duty.None ? null : duty.Words();

    [GeneratedRegex(@"\APHASE_[A-Z0-9_]{1,44}\z")]
    private static partial Regex Phase();
}
