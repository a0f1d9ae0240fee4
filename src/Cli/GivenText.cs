using System.Text;

namespace Hive.Cli;

/// <summary>A text given as words behind a verb, or on standard input.</summary>
internal static class GivenText
{
    /// <param name="words">The words; none or <c>-</c> reads standard input.</param>
    /// <param name="missing">What to say when there are none, and nothing is handed to standard input either.</param>
    /// <param name="ct">Ends the reading.</param>
    public static async Task<string> ReadAsync(string[] words, string missing, CancellationToken ct)
    {
        if (words is not ([] or ["-"]))
            return string.Join(' ', words);
        if (words.Length == 0 && !Console.IsInputRedirected)
            throw new UsageException(missing);
        // Strict: a byte that is no UTF-8 is an error here, not a question mark in what is stored.
        using var input = new StreamReader(
            Console.OpenStandardInput(),
            new UTF8Encoding(false, throwOnInvalidBytes: true)
        );
        try
        {
            return (await input.ReadToEndAsync(ct)).TrimEnd('\n', '\r');
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException("standard input is no UTF-8 text; send other files by their path");
        }
    }
}
