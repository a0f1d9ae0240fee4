using System.Text;
using System.Text.Json;
using FluentValidation;
using Hive.Protocol;

namespace Hive.Common.Doors;

/// <summary>What every text that is stored must be.</summary>
public static class TextRules
{
    /// <summary>UTF-8 without NUL and without half a surrogate pair, at most <paramref name="maxBytes"/> bytes. Null
    /// passes.</summary>
    /// <param name="rule">The rule to extend.</param>
    /// <param name="maxBytes">In bytes of UTF-8.</param>
    /// <param name="wayOut">What to do with a longer one, for this request; null for nothing but shortening it.</param>
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
                    context.AddFailure($"'{name}' holds {fault}; send valid UTF-8 text");
                    return;
                }

                var bytes = Encoding.UTF8.GetByteCount(text);
                if (bytes <= maxBytes)
                    return;
                var way = wayOut?.Invoke(context.InstanceToValidate) ?? "shorten it";
                context.AddFailure(
                    new FluentValidation.Results.ValidationFailure(
                        context.PropertyPath,
                        $"'{name}' has {bytes} bytes, the limit is {maxBytes}; {way}"
                    )
                    {
                        ErrorCode = nameof(ErrorCode.TooLarge),
                    }
                );
            }
        );

    /// <summary>How many bytes a text takes inside a JSON string: a control character takes six, a quotation mark
    /// two.</summary>
    public static int JsonLength(string text) =>
        JsonEncodedText.Encode(text, WireJson.Options.Encoder).EncodedUtf8Bytes.Length;

    /// <summary>The beginning of a text, with <c>…</c> where it was cut, so that it takes at most that many bytes
    /// inside a JSON string.</summary>
    public static string Cut(string text, int jsonBytes)
    {
        const string Mark = "…";
        // A character takes no more than six bytes, so that most texts need not be measured.
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

    private static string? Fault(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c == '\0')
                return "a NUL character";
            if (!char.IsSurrogate(c))
                continue;
            if (!char.IsHighSurrogate(c) || i + 1 == text.Length || !char.IsLowSurrogate(text[i + 1]))
                return "half a surrogate pair";
            i++;
        }

        return null;
    }
}
