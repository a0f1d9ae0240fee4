using System.Globalization;

namespace Hive.Runtimes;

/// <summary>The weaknesses of a run, kept with it from its start on: what its runtime really gave it, whatever a later
/// host would give, or its agent.yaml asks for by then. Text, <c>GENERATION WEAKNESSES</c> in one line.</summary>
internal static class RunNote
{
    /// <summary>The weakness of a run that keeps no note of this generation.</summary>
    public const string Older = "started by an older Hive, which may isolate it less; restart it";

    // Raised when a new run is isolated better than an old one could note.
    private const int Generation = 1;

    /// <summary>Composes the note.</summary>
    /// <param name="weaknesses">For a person; null for none.</param>
    public static string Of(string? weaknesses) =>
        string.Create(CultureInfo.InvariantCulture, $"{Generation} {weaknesses?.ReplaceLineEndings(" ")}").TrimEnd();

    /// <summary>Reads the weaknesses of a run; null for none.</summary>
    /// <param name="kept">The note; null where the run keeps none.</param>
    public static string? Read(string? kept)
    {
        var words = (kept ?? "").Split(' ', 2);
        return !int.TryParse(words[0], CultureInfo.InvariantCulture, out var generation) || generation < Generation
                ? Older
            : words is [_, var weaknesses] && weaknesses.Length > 0 ? weaknesses
            : null;
    }
}
