using System.Text;
using Hive.Protocol;

namespace Hive.Cli.Terminal;

/// <summary>Prepares texts from agents for the terminal.</summary>
internal static class Plain
{
    /// <inheritdoc cref="VisibleText.Lines"/>
    public static string Text(string text) => VisibleText.Lines(text);

    /// <inheritdoc cref="VisibleText.OneLine"/>
    public static string OneLine(string text) => VisibleText.OneLine(text);

    /// <summary>Wraps words into lines of at most that many characters; a longer word has its own line.</summary>
    public static IEnumerable<string> Wrapped(string text, int width)
    {
        var line = new StringBuilder();
        foreach (var word in text.Split(' '))
        {
            if (line.Length > 0 && line.Length + 1 + word.Length > width)
            {
                yield return line.ToString();
                line.Clear();
            }

            line.Append(line.Length > 0 ? " " : "").Append(word);
        }

        yield return line.ToString();
    }
}
