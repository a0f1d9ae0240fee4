using System.Text;
using System.Text.RegularExpressions;

namespace Hive.Features.Gates;

/// <summary>
/// The pattern of an expected output, matched with an artifact's path below its root: a glob, where <c>*</c> does not
/// cross a slash and <c>**</c> does, or a regular expression between slashes. Any other pattern is prose, which is
/// shown and not checked. Expressions run without backtracking, so that none takes longer than its path is long.
/// </summary>
internal static class PathPattern
{
    /// <summary>True when a path is checked against the pattern.</summary>
    public static bool IsChecked(string pattern) =>
        IsExpression(pattern) || (!pattern.Any(char.IsWhiteSpace) && pattern.AsSpan().ContainsAny("*?/."));

    /// <summary>True when a path below its root matches.</summary>
    public static bool Matches(string pattern, string path) =>
        Regex.IsMatch(
            path,
            IsExpression(pattern) ? pattern[1..^1] : OfGlob(pattern),
            RegexOptions.NonBacktracking | RegexOptions.CultureInvariant
        );

    /// <summary>A path in container form without its root: the agent's state folder or the shared folder.</summary>
    public static string BelowRoot(string path)
    {
        var parts = path.Split('/');
        // "", "agents", its name, "state", … or "", "shared", …
        return string.Join('/', parts.Skip(parts is ["", "agents", ..] ? 4 : 2));
    }

    private static bool IsExpression(string pattern) => pattern is ['/', _, .., '/'];

    private static string OfGlob(string glob)
    {
        var expression = new StringBuilder(@"\A");
        for (var i = 0; i < glob.Length; i++)
        {
            var rest = glob.AsSpan(i);
            if (rest.StartsWith("**/") && (i == 0 || glob[i - 1] == '/'))
            {
                expression.Append("(?s:.*/)?");
                i += 2;
            }
            else if (rest.StartsWith("**"))
            {
                expression.Append("(?s:.*)");
                i++;
            }
            else
            {
                expression.Append(
                    glob[i] switch
                    {
                        '*' => "[^/]*",
                        '?' => "[^/]",
                        var c => Regex.Escape(c.ToString()),
                    }
                );
            }
        }

        return expression.Append(@"\z").ToString();
    }
}
