using System.Globalization;
using Hive.Common.Yaml;

namespace Hive.Features.Workflows;

/// <summary>Reads the values of definitions. A wrong value is a fault, and reads as an absent one.</summary>
internal static class DefinitionValues
{
    /// <summary>The words for a priority.</summary>
    public static readonly string[] Priorities = ["CRITICAL", "HIGH", "MEDIUM", "LOW"];

    /// <summary>Reads a line that must be there.</summary>
    public static string? Required(this YamlFaults faults, YamlSection section, string key, int most)
    {
        if (!section.Keys.Contains(key))
            faults.Add(section.Begin, $"'{key}' is missing");
        return faults.Line(section, key, most);
    }

    /// <summary>Reads the name of a workflow or a pattern, which addresses hold.</summary>
    public static string? Name(this YamlFaults faults, YamlSection section)
    {
        var name = faults.Required(section, "name", WorkflowReader.MaxName);
        if (name?.Contains('/', StringComparison.Ordinal) == true)
            faults.Add(section.Mark("name"), "'name' contains '/', which addresses cannot hold; leave it out");
        return name;
    }

    /// <summary>Reads a text of one line that is not blank, without the spaces around it.</summary>
    public static string? Line(this YamlFaults faults, YamlSection section, string key, int most) =>
        faults.Try(() =>
            section.Text(key)?.Trim() is not { } line ? null
            : IsLine(line) ? Checked(section, key, line, most)
            : throw section.Fault(key, $"'{key}' contains line breaks or control characters; write it in one line")
        );

    /// <summary>Reads a text that is not blank, and may have several lines.</summary>
    public static string? Text(this YamlFaults faults, YamlSection section, string key, int most) =>
        faults.Try(() => section.Text(key) is { } text ? Checked(section, key, text, most) : null);

    /// <summary>True for a text without line breaks and control characters.</summary>
    public static bool IsLine(string text) => !text.Any(c => char.IsControl(c) || c is '\u2028' or '\u2029');

    private static string Checked(YamlSection section, string key, string text, int most) =>
        string.IsNullOrWhiteSpace(text) ? throw section.Fault(key, $"'{key}' is blank")
        : text.Length > most
            ? throw section.Fault(
                key,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'{key}' has {text.Length} characters; the limit is {most}"
                )
            )
        : text;

    /// <summary>Reads a list of texts, and notes the place of each.</summary>
    public static List<string> Texts(
        this YamlFaults faults,
        YamlSection section,
        string key,
        string? of = null,
        List<(string Of, string To, YamlMark At)>? places = null
    )
    {
        var texts = faults.Try(() => section.Texts(key)) ?? [];
        if (of is not null)
            places?.AddRange(texts.Select(t => (of, t.Text, t.At)));
        return [.. texts.Select(t => t.Text).Distinct()];
    }

    /// <summary>Reads a number; 80.0 and 80 are one number, and are written alike.</summary>
    public static decimal? Fraction(
        this YamlFaults faults,
        YamlSection section,
        string key,
        decimal least,
        decimal most
    ) => faults.Try(() => section.Fraction(key, least, most)) / 1.0000000000000000000000000000m;

    /// <summary>Reads one of some words.</summary>
    public static string? OneOf(this YamlFaults faults, YamlSection section, string key, string[] words) =>
        faults.Try(() =>
            section.Text(key) is not { } text || words.Contains(text)
                ? section.Text(key)
                : throw section.Fault(
                    key,
                    $"'{key}' is '{YamlSection.Shown(text)}'; it can be {string.Join(", ", words)}"
                )
        );

    /// <summary>Reads a member of an enumeration.</summary>
    public static T Word<T>(this YamlFaults faults, YamlSection section, string key, T usual)
        where T : struct, Enum
    {
        var words = Enum.GetValues<T>().ToDictionary(WorkflowWords.Of);
        return faults.OneOf(section, key, [.. words.Keys]) is { } word ? words[word] : usual;
    }

    /// <summary>Reads how many of its dependencies something waits for; null for all.</summary>
    /// <param name="faults">The faults so far.</param>
    /// <param name="of">What has the dependencies.</param>
    /// <param name="dependencies">How many there are; null when only a run knows.</param>
    public static string? Quorum(this YamlFaults faults, YamlSection of, int? dependencies)
    {
        var quorum = ReadQuorum(faults, of);
        if (dependencies == 0 && of.Keys.Contains("quorum"))
            faults.Add(of.Mark("quorum"), "'quorum' counts dependencies, and there are none; add 'depends_on'");
        else if (int.TryParse(quorum, NumberStyles.None, CultureInfo.InvariantCulture, out var n) && n > dependencies)
            faults.Add(
                of.Mark("quorum"),
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"'quorum' is {n}, and 'depends_on' names {dependencies}; lower it, or add dependencies"
                )
            );
        return quorum;
    }

    private static string? ReadQuorum(YamlFaults faults, YamlSection of) =>
        faults.Try(() =>
            of.Scalar("quorum") switch
            {
                null or "all" => null,
                "first" or "1" => "first",
                "majority" => "majority",
                var text
                    when int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var n)
                        && n is > 1 and <= 1000 => n.ToString(CultureInfo.InvariantCulture),
                _ => throw of.Fault("quorum", "'quorum' must be all, first, majority or a number from 1"),
            }
        );

    /// <summary>Reads capabilities as agents have them: trimmed, lower case, without doubles.</summary>
    public static List<string> Capabilities(this YamlFaults faults, YamlSection of)
    {
        List<string> all = [];
        foreach (var (text, at) in faults.Try(() => of.Texts("capabilities")) ?? [])
        {
            var word = text.Trim().ToLowerInvariant();
            if (word.Length is 0 or > 50 || !IsLine(word))
                faults.Add(at, "a capability has 1 to 50 characters, in one line");
            else if (!all.Contains(word))
                all.Add(word);
        }

        if (all.Count > 50)
            faults.Add(of.Mark("capabilities"), "the limit is 50 capabilities");
        return all;
    }

    /// <summary>Notes an id, and adds a fault when it is there already.</summary>
    public static void Once(
        this YamlFaults faults,
        Dictionary<string, YamlMark> seen,
        string id,
        YamlMark at,
        string noun
    )
    {
        if (!seen.TryAdd(id, at))
            faults.Add(
                at,
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"the {noun} '{YamlSection.Shown(id)}' is defined twice; the other is on line {seen[id].Line}"
                )
            );
    }

    /// <summary>Adds a fault when a list is too long.</summary>
    public static void Counted(this YamlFaults faults, YamlSection section, string key, int count, int most)
    {
        if (count > most)
            faults.Add(
                section.Mark(key),
                string.Create(CultureInfo.InvariantCulture, $"'{key}' has {count} entries; the limit is {most}")
            );
    }
}
