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

    private const int MaxDepth = 8;

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
    )
    {
        if (content.Length > maxBytes)
            throw Problem.TooLarge(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{label} has {content.Length} bytes; the limit is {maxBytes}; put texts into files beside it"
                )
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
            CheckForm(label, text);
            var stream = new YamlStream();
            stream.Load(new StringReader(text));
            var root = stream.Documents.Count == 0 ? null : stream.Documents[0].RootNode;
            return read(new YamlSection(label, "the file", root is null || IsNull(root) ? null : root, known));
        }
        catch (YamlException e)
        {
            throw Problem.Invalid(Located(label, e.Start, e.InnerException?.Message ?? e.Message), e);
        }
    }

    internal static bool IsNull(YamlNode node) =>
        node is YamlScalarNode { Style: ScalarStyle.Plain, Value: "" or "~" or "null" or "Null" or "NULL" };

    internal static string Located(string label, Mark at, string what) =>
        string.Create(CultureInfo.InvariantCulture, $"{label}, line {at.Line}, column {at.Column}: {what}");

    // Checked before a tree is built: nothing that grows when it is read, and nothing so deep that walking it ends the
    // process.
    private static void CheckForm(string label, string text)
    {
        var parser = new Parser(new StringReader(text));
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
                _ when depth > MaxDepth + 2 => "it is nested too deeply",
                Scalar { Value.Length: > MaxText } =>
                    $"a text may have {MaxText} characters; put a longer one into a file beside it",
                _ => null,
            };
            if (fault is not null)
                throw Problem.Invalid(Located(label, now.Start, fault));
        }
    }
}
