using System.Globalization;
using System.Text.RegularExpressions;
using Hive.Common.Doors;
using Hive.Protocol;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Hive.Common.Yaml;

/// <summary>A mapping of a file with known keys, whose values are read by type.</summary>
public sealed partial class YamlSection
{
    private readonly YamlReading reading;
    private readonly string name;
    private readonly YamlNode? whole;
    private readonly Dictionary<string, YamlNode> values = [];

    internal YamlSection(YamlReading reading, string name, YamlNode? node, IReadOnlyList<string> known)
    {
        (this.reading, this.name, whole) = (reading, name, node);
        foreach (var (key, value) in Pairs(name, node))
        {
            if (!known.Contains(key))
            {
                var near = NearNames.Of(key, known);
                var advice =
                    near.Length > 0
                        ? $"did you mean {string.Join(" or ", near)}?"
                        : $"available: {string.Join(", ", known)}";
                var at = KeyOf(node!, key);
                var fault = $"unknown key '{Shown(key)}' in {name}; {advice}";
                if (reading.Faults is null)
                    throw At(at, fault);
                reading.Faults.Add(YamlMark.Of(at.Start), fault);
                continue;
            }

            // Programs that write every field write absent ones as null.
            if (
                reading.Faults is null
                || value is not YamlScalarNode { Value: "null" or "~" }
                || !StrictYaml.IsNull(value)
            )
                values[key] = value;
        }
    }

    /// <summary>A text as it may stand in an error: short, and without control characters.</summary>
    public static string Shown(string text) =>
        string.Concat(TextRules.CutCharacters(text, 40).Select(c => char.IsControl(c) ? '?' : c));

    /// <summary>An error in this section.</summary>
    public Exception Fault(string what) => At(whole!, $"{name} {what}");

    /// <summary>An error in the value of a key that the section has.</summary>
    public Exception Fault(string key, string what) => At(values[key], what);

    /// <summary>Where the section begins; the file's first character when it is empty.</summary>
    public YamlMark Begin => whole is null ? new YamlMark(1, 1) : YamlMark.Of(whole.Start);

    /// <summary>The keys that the section has, in their order.</summary>
    public IReadOnlyCollection<string> Keys => values.Keys;

    /// <summary>Where a key's value begins; where the section begins when the key is absent.</summary>
    public YamlMark Mark(string key) => values.TryGetValue(key, out var node) ? YamlMark.Of(node.Start) : Begin;

    /// <summary>True when a key has a mapping as its value.</summary>
    public bool IsMapping(string key) => values.GetValueOrDefault(key) is YamlMappingNode;

    /// <summary>True when a key has a list as its value.</summary>
    public bool IsList(string key) => values.GetValueOrDefault(key) is YamlSequenceNode;

    /// <summary>The truth value of a key; null when the key is absent.</summary>
    public bool? Truth(string key) =>
        Scalar(key) switch
        {
            null => null,
            "true" => true,
            "false" => false,
            _ => throw Fault(key, $"'{key}' must be true or false"),
        };

    /// <summary>The number of a key, with or without a fraction; null when the key is absent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="least">The smallest number.</param>
    /// <param name="most">The largest number.</param>
    public decimal? Fraction(string key, decimal least, decimal most) =>
        Scalar(key) is not { } text ? null
        : decimal.TryParse(
            text,
            NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign,
            CultureInfo.InvariantCulture,
            out var number
        )
        && number >= least
        && number <= most
            ? number
        : throw Fault(
            key,
            string.Create(CultureInfo.InvariantCulture, $"'{key}' must be a number from {least} to {most}")
        );

    /// <summary>The texts of a list with their places; null when the key is absent. A fault in an entry is collected,
    /// and the entry left out.</summary>
    public IReadOnlyList<(string Text, YamlMark At)>? Texts(string key)
    {
        if (!values.TryGetValue(key, out var node))
            return null;
        List<(string, YamlMark)> texts = [];
        foreach (var child in Children(key, node, $"{key}: [one, two]"))
        {
            if (Faults.Try(() => TextOf(key, child)) is { } text)
                texts.Add((text, YamlMark.Of(child.Start)));
        }

        return texts;
    }

    /// <summary>The texts and numbers of a list as they are written, with their places; null when the key is absent. A
    /// fault in an entry is collected, and the entry left out.</summary>
    public IReadOnlyList<(string Text, YamlMark At)>? Words(string key)
    {
        if (!values.TryGetValue(key, out var node))
            return null;
        List<(string, YamlMark)> words = [];
        foreach (var child in Children(key, node, $"{key}: [one, 2]"))
        {
            if (Faults.Try(() => ScalarOf(key, child)) is { } word)
                words.Add((word, YamlMark.Of(child.Start)));
        }

        return words;
    }

    /// <summary>The mappings of a list; null when the key is absent. A fault in an entry is collected, and the entry
    /// left out.</summary>
    public IReadOnlyList<YamlSection>? Sections(string key, IReadOnlyList<string> known)
    {
        if (!values.TryGetValue(key, out var node))
            return null;
        List<YamlSection> sections = [];
        foreach (var child in Children(key, node, "- key: value"))
        {
            if (Faults.Try(() => new YamlSection(reading, $"an entry of '{key}'", child, known)) is { } section)
                sections.Add(section);
        }

        return sections;
    }

    /// <summary>The texts of a mapping whose keys are free, with the places of the keys; null when the key is
    /// absent.</summary>
    public IReadOnlyList<(string Key, string Text, YamlMark At)>? Pairs(string key)
    {
        if (!values.TryGetValue(key, out var node))
            return null;
        List<(string, string, YamlMark)> pairs = [];
        foreach (var (entry, value) in Pairs($"'{key}'", node))
        {
            if (Faults.Try(() => TextOf(entry, value)) is { } text)
                pairs.Add((entry, text, YamlMark.Of(KeyOf(node, entry).Start)));
        }

        return pairs;
    }

    private YamlFaults Faults =>
        reading.Faults ?? throw new InvalidOperationException("only where faults are collected");

    private IEnumerable<YamlNode> Children(string key, YamlNode node, string example) =>
        node is not YamlSequenceNode list ? throw At(node, $"'{key}' must be a list, such as {example}")
        : list.Children.Count > reading.Limits.MaxEntries
            ? throw At(node, $"'{key}' may have {reading.Limits.MaxEntries} entries, and has {list.Children.Count}")
        : list.Children;

    /// <summary>The text of a key; null when the key is absent.</summary>
    public string? Text(string key) => values.TryGetValue(key, out var node) ? TextOf(key, node) : null;

    /// <summary>The text of a key, which must have a form.</summary>
    /// <param name="key">The key.</param>
    /// <param name="form">The form.</param>
    /// <param name="wanted">The form in words, such as "'a' or 'b'".</param>
    public string? Text(string key, Regex form, string wanted) =>
        Text(key) is not { } text || form.IsMatch(text)
            ? Text(key)
            : throw Fault(key, $"'{key}' is '{Shown(text)}'; it can be {wanted}");

    /// <summary>The text, number or truth value of a key as it is written; null when the key is absent.</summary>
    public string? Scalar(string key) => values.TryGetValue(key, out var node) ? ScalarOf(key, node) : null;

    /// <summary>The whole number of a key; null when the key is absent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="least">The smallest number.</param>
    /// <param name="most">The largest number.</param>
    /// <param name="wanted">The number in words, such as "a whole number of seconds".</param>
    public int? Number(string key, int least, int most, string wanted) =>
        Scalar(key) is not { } text ? null
        : int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number)
        && number >= least
        && number <= most
            ? number
        : throw Fault(
            key,
            string.Create(CultureInfo.InvariantCulture, $"'{key}' must be {wanted}, from {least} to {most}")
        );

    /// <summary>The texts of a list; null when the key is absent.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fault">Says what is wrong with one text; null when nothing is.</param>
    public IReadOnlyList<string>? List(string key, Func<string, string?>? fault = null)
    {
        if (!values.TryGetValue(key, out var node))
            return null;
        List<string> texts = [];
        foreach (var child in Children(key, node, $"{key}: [one, two]"))
        {
            var text = TextOf(key, child);
            texts.Add(
                fault?.Invoke(text) is not { } wrong ? text : throw At(child, $"'{Shown(text)}' in '{key}' {wrong}")
            );
        }

        return texts;
    }

    /// <summary>The mapping of a key; null when the key is absent.</summary>
    public YamlSection? Inner(string key, IReadOnlyList<string> known) =>
        values.TryGetValue(key, out var node) ? new YamlSection(reading, $"'{key}'", node, known) : null;

    /// <summary>The mapping of a key whose own keys are free and whose values are sections.</summary>
    /// <param name="key">The key.</param>
    /// <param name="form">The form of the free keys.</param>
    /// <param name="rule">The form in words.</param>
    /// <param name="known">The keys of each section.</param>
    /// <param name="read">Reads one section.</param>
    public Dictionary<string, T> Map<T>(
        string key,
        Regex form,
        string rule,
        IReadOnlyList<string> known,
        Func<YamlSection, T> read
    )
    {
        Dictionary<string, T> map = [];
        foreach (var (entry, node) in Entries(key))
        {
            if (!form.IsMatch(entry))
                throw At(node, $"'{Shown(entry)}' in '{key}': {rule}");
            map[entry] = read(new YamlSection(reading, $"'{key}.{entry}'", node, known));
        }

        return map;
    }

    /// <summary>The mapping of a key whose own keys are free and whose values are written as they are.</summary>
    /// <param name="key">The key.</param>
    /// <param name="fault">Says what is wrong with a free key; null when nothing is.</param>
    public Dictionary<string, string> Scalars(string key, Func<string, string?> fault)
    {
        Dictionary<string, string> scalars = [];
        foreach (var (entry, node) in Entries(key))
        {
            if (fault(entry) is { } wrong)
                throw At(node, $"'{Shown(entry)}' {wrong}");
            scalars[entry] =
                ScalarOf(entry, node) is var value && !value.Contains('\0', StringComparison.Ordinal)
                    ? value
                    : throw At(node, $"'{entry}' contains a NUL character");
        }

        return scalars;
    }

    private Exception At(YamlNode node, string what) => reading.At(node.Start, what);

    private IEnumerable<(string Name, YamlNode Value)> Entries(string key) =>
        values.TryGetValue(key, out var node) ? Pairs($"'{key}'", node) : [];

    private string ScalarOf(string key, YamlNode node) =>
        node is YamlScalarNode { Value: { } value } && !StrictYaml.IsNull(node)
            ? value
            : throw At(node, $"'{Shown(key)}' must be a string, a number or true or false");

    private string TextOf(string key, YamlNode node)
    {
        if (node is not YamlScalarNode { Value: { } value } scalar)
            throw At(node, $"'{key}' must be a string");
        if (scalar.Style == ScalarStyle.Plain && OtherType().IsMatch(value))
            throw At(
                node,
                value.Length == 0
                    ? $"'{key}' is empty; give it a value, or leave it out"
                    : $"'{key}' must be a string, and YAML reads this as another type; "
                        + $"write it in quotes: \"{Shown(value)}\""
            );
        return value.Length > 0 && !value.Any(c => char.IsControl(c) && c is not ('\n' or '\t'))
            ? value
            : throw At(node, $"'{key}' is empty or contains control characters");
    }

    private IEnumerable<(string, YamlNode)> Pairs(string what, YamlNode? node)
    {
        if (node is null)
            yield break;
        if (node is not YamlMappingNode map)
            throw At(node, $"{what} must hold keys and values, such as key: value");
        if (map.Children.Count > reading.Limits.MaxEntries)
            throw At(node, $"{what} may have {reading.Limits.MaxEntries} entries");
        foreach (var (key, value) in map.Children)
            yield return (
                key is YamlScalarNode { Value: { } text } ? text : throw At(key, $"a key of {what} must be a string"),
                value
            );
    }

    private static YamlNode KeyOf(YamlNode node, string key) =>
        ((YamlMappingNode)node).Children.Keys.First(k => k is YamlScalarNode scalar && scalar.Value == key);

    // Plain texts that YAML takes for null, a truth value or a number.
    [GeneratedRegex(
        @"\A(true|false|yes|no|on|off|~|null"
            + @"|[-+]?(\.[0-9]+|[0-9][0-9_]*(\.[0-9]*)?)([eE][-+]?[0-9]+)?"
            + @"|0x[0-9a-fA-F]+|0o[0-7]+|[-+]?\.inf|\.nan)?\z",
        RegexOptions.IgnoreCase | RegexOptions.CultureInvariant
    )]
    private static partial Regex OtherType();
}
