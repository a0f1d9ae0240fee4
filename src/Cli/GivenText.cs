using System.CommandLine;
using System.Text;
using Hive.Cli.Terminal;

namespace Hive.Cli;

/// <summary>A text argument that is read from its words or from standard input.</summary>
internal static class GivenText
{
    public static Argument<string[]> Argument(string name, string description) =>
        new TextArgument(name)
        {
            Description = $"{description}; at most 4096 bytes; - reads it from standard input",
            Arity = ArgumentArity.ZeroOrMore,
        };

    /// <summary>True when an argument's words are a text, of which one may begin with a dash.</summary>
    public static bool IsText(Argument argument) => argument is TextArgument;

    /// <summary>Joins the words, or reads standard input when there are none or they are <c>-</c>.</summary>
    /// <param name="words">The words from the command line.</param>
    /// <param name="missing">The error when no words are given and standard input is a terminal.</param>
    /// <param name="ct">Cancels the reading.</param>
    public static async Task<string> ReadAsync(string[] words, string missing, CancellationToken ct)
    {
        if (words is not ([] or ["-"]))
            return string.Join(' ', words);
        if (words.Length == 0 && Display.Current.CanType)
            throw new UsageException(missing);
        // Strict: invalid UTF-8 must be an error here, not question marks in the stored text.
        using var input = new StreamReader(Display.Current.Input(), new UTF8Encoding(false, throwOnInvalidBytes: true));
        try
        {
            return (await input.ReadToEndAsync(ct)).TrimEnd('\n', '\r');
        }
        catch (DecoderFallbackException)
        {
            throw new UsageException("standard input is not valid UTF-8; send other files by their path");
        }
    }

    private sealed class TextArgument(string name) : Argument<string[]>(name);
}
