using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Protocol;

namespace Hive.Common.Doors;

/// <summary>Rules for texts that are stored.</summary>
public static class TextRules
{
    /// <summary>Requires UTF-8 without NUL and without unpaired surrogates, at most <paramref name="maxBytes"/> bytes.
    /// Null passes.</summary>
    /// <param name="rule">The rule to extend.</param>
    /// <param name="maxBytes">The limit in bytes of UTF-8.</param>
    /// <param name="wayOut">Advice for a longer text; null for "shorten it".</param>
    public static IRuleBuilderOptionsConditions<T, string?> MustBeText<T>(
        this IRuleBuilder<T, string?> rule,
        int maxBytes,
        Func<T, string>? wayOut = null
    ) =>
        rule.Custom(
            (text, context) =>
            {
                if (text is null)
                    return;
                var name = JsonNamingPolicy.SnakeCaseLower.ConvertName(context.PropertyPath);
                if (Fault(text) is { } fault)
                {
                    context.AddFailure($"'{name}' contains {fault}; send valid UTF-8 text");
                    return;
                }

                var bytes = Encoding.UTF8.GetByteCount(text);
                if (bytes <= maxBytes)
                    return;
                var way = wayOut?.Invoke(context.InstanceToValidate) ?? "shorten it";
                context.AddFailure(
                    new FluentValidation.Results.ValidationFailure(
                        context.PropertyPath,
                        $"'{name}' has {bytes} bytes; the limit is {maxBytes}; {way}"
                    )
                    {
                        ErrorCode = nameof(ErrorCode.TooLarge),
                    }
                );
            }
        );

    /// <summary>Says which names JSON that a caller composes may have.</summary>
    public static string MemberNames { get; } =
        $"a name has 1 to {Limits.MemberNameLength} of A-Z, a-z, 0-9, '_', '.' and '-'";

    /// <summary>True for a name that JSON that a caller composes may have: it is shown to others beside names of
    /// Hive's own.</summary>
    public static bool IsMemberName(string name) =>
        name.Length is > 0 and <= Limits.MemberNameLength
        && name.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '.' or '-');

    /// <summary>Counts the bytes that a text takes inside a JSON string, where a control character takes six and a
    /// quotation mark two.</summary>
    public static int JsonLength(string text) =>
        JsonEncodedText.Encode(text, WireJson.Options.Encoder).EncodedUtf8Bytes.Length;

    /// <summary>Cuts a text, with <c>…</c> at its end, so that it takes at most that many bytes inside a JSON
    /// string.</summary>
    public static string Cut(string text, int jsonBytes)
    {
        const string Mark = "…";
        // A character takes at most six bytes, so most texts need not be measured.
        if (text.Length * 6L <= jsonBytes || JsonLength(text) <= jsonBytes)
            return text;
        var (kept, left) = (0, jsonBytes - JsonLength(Mark));
        foreach (var rune in text.EnumerateRunes())
        {
            left -= JsonLength(rune.ToString());
            if (left < 0)
                break;
            kept += rune.Utf16SequenceLength;
        }

        return string.Concat(text.AsSpan(0, kept), Mark);
    }

    /// <summary>Cuts a text, with <c>…</c> at its end, so that it has at most that many characters (UTF-16 code units)
    /// with the mark. A pair of surrogates is kept or left out as a whole.</summary>
    public static string CutCharacters(string text, int characters)
    {
        if (text.Length <= characters)
            return text;
        var kept = characters - 1;
        return string.Concat(text.AsSpan(0, char.IsHighSurrogate(text[kept - 1]) ? kept - 1 : kept), "…");
    }

    /// <summary>Says what keeps a text from being stored; null when nothing does.</summary>
    public static string? Fault(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\0')
                return "a NUL character";
            if (!char.IsSurrogate(c))
                continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return "an unpaired surrogate";
            i++;
        }

        return null;
    }
}
