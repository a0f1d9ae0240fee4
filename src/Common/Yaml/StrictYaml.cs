using System.Globalization;
using System.Text;
using Hive.Common.Errors;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;
using YamlDotNet.RepresentationModel;
using Scalar = YamlDotNet.Core.Events.Scalar;

namespace Hive.Common.Yaml;

/// <summary>Reads a YAML file that an agent may have written. Every error names line and column, and nothing grows or
/// nests beyond its limit.</summary>
public static class StrictYaml
{
    /// <summary>The longest text.</summary>
    public const int MaxText = 4096;

    /// <summary>The most entries of one list or mapping.</summary>
    public const int MaxEntries = 100;

    /// <summary>The deepest nesting.</summary>
    public const int MaxDepth = 8;

    /// <summary>Reads the file's one mapping.</summary>
    /// <param name="label">The file's name in errors.</param>
    /// <param name="content">Its bytes.</param>
    /// <param name="maxBytes">The largest file.</param>
    /// <param name="known">The keys that the file may have.</param>
    /// <param name="read">Reads the keys; its section is empty when the file is.</param>
    /// <exception cref="Problem">The file is too large, not UTF-8, not YAML, or holds an unknown key.</exception>
    public static T Read<T>(
        string label,
        ReadOnlyMemory<byte> content,
        int maxBytes,
        IReadOnlyList<string> known,
        Func<YamlSection, T> read
    ) => Read(new YamlReading(label, new YamlLimits(maxBytes), Faults: null), content, known, read);

    /// <summary>Reads a text's one mapping, and tells all faults in one error instead of the first.</summary>
    /// <param name="content">The text's bytes.</param>
    /// <param name="limits">How large it may be.</param>
    /// <param name="known">The keys that the text may have.</param>
    /// <param name="read">Reads the keys; adds faults, or fails with one by a section's methods.</param>
    /// <returns>What was read, and what is to be known about it.</returns>
    /// <exception cref="Problem">Code <c>too_large</c>: the text is. Otherwise <c>invalid</c>, with line and column of
    /// each fault.</exception>
    public static (T Value, IReadOnlyList<YamlWarning> Warnings) ReadAll<T>(
        ReadOnlyMemory<byte> content,
        YamlLimits limits,
        IReadOnlyList<string> known,
        Func<YamlSection, YamlFaults, T?> read
    )
        where T : class
    {
        var faults = new YamlFaults();
        var value = faults.Try(() =>
            Read(new YamlReading("the text", limits, faults), content, known, root => read(root, faults))
        );
        return faults.Any ? throw faults.ToProblem() : (value!, faults.Warnings);
    }

    private static T Read<T>(
        YamlReading reading,
        ReadOnlyMemory<byte> content,
        IReadOnlyList<string> known,
        Func<YamlSection, T> read
    )
    {
        var label = reading.Label;
        if (content.Length > reading.Limits.MaxBytes)
            throw Problem.TooLarge(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{label} has {content.Length} bytes; the limit is {reading.Limits.MaxBytes}; "
                ) + (reading.Faults is null ? "put texts into files beside it" : "shorten it")
            );
        string text;
        try
        {
            text = new UTF8Encoding(false, throwOnInvalidBytes: true).GetString(content.Span).TrimStart('\uFEFF');
        }
        catch (DecoderFallbackException e)
        {
            throw Problem.Invalid($"{label} is not UTF-8", e);
        }

        try
        {
            var root = Parse(reading, text);
            return read(new YamlSection(reading, "the file", root is null || IsNull(root) ? null : root, known));
        }
        catch (YamlException e)
        {
            throw TabIn(text, e) is { } tab
                ? reading.At(tab, "this line is indented with a tab; indent it with spaces", e)
                : reading.At(e.Start, e.InnerException?.Message ?? e.Message, e);
        }
    }

    private static YamlNode? Parse(YamlReading reading, string text)
    {
        var parser = new Parser(new StringReader(text));
        try
        {
            CheckForm(reading, parser);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            return stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
        }
        catch (Exception e) when (e is not (YamlException or YamlFaultException or Problem))
        {
            // The parser fails at some texts with exceptions of other kinds.
            throw reading.At(
                parser.Current?.End ?? new Mark(0, 1, 1),
                "this is not YAML; check the lines around it",
                e
            );
        }
    }

    // The parser reports a tab in the indentation as something else, and often lines before it.
    private static Mark? TabIn(string text, YamlException error)
    {
        var lines = text.Split('\n');
        var last = error.Message.Contains(" tab ", StringComparison.Ordinal) ? lines.Length : error.End.Line + 1;
        for (var line = error.Start.Line; line <= Math.Min(lines.Length, last); line++)
        {
            var first = lines[line - 1].AsSpan().IndexOfAnyExcept(' ');
            if (first >= 0 && lines[line - 1][first] == '\t')
                return new Mark(0, line, first + 1);
        }

        return null;
    }

    internal static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" };

    internal static string Located(string label, Mark at, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{label}, line {at.Line}, column {at.Column}: {what}");

    // Checked before a tree is built: nothing that grows when it is read, and nothing so deep that walking it ends the
    // process.
    private static void CheckForm(YamlReading reading, Parser parser)
    {
        var (depth, documents) = (0, 0);
        while (parser.MoveNext())
        {
            var now = parser.Current!;
            depth += now.NestingIncrease;
            var fault = now switch
            {
                AnchorAlias or NodeEvent { Anchor.IsEmpty: false } =>
                    "anchors and aliases ('&', '*') are not supported; repeat the value",
                NodeEvent { Tag.IsEmpty: false } => "tags ('!') are not supported; leave the tag out",
                DocumentStart when ++documents > 1 => "there is a second document; a file holds only one",
                // Stream and document are two levels.
                _ when depth > reading.Limits.MaxDepth + 2 => "it is nested too deeply",
                Scalar { Value: var value } when value.Length > reading.Limits.MaxText =>
                    $"a text may have {reading.Limits.MaxText} characters; "
                        + (reading.Faults is null ? "put a longer one into a file beside it" : "shorten it"),
                _ => null,
            };
            if (fault is not null)
                throw reading.At(now.Start, fault);
        }
    }
}
