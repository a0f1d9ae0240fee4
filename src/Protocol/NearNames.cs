namespace Hive.Protocol;

/// <summary>Which of the names there are somebody may have meant.</summary>
public static class NearNames
{
    /// <summary>Up to three that are spelled nearly so.</summary>
    /// <param name="given">What was given.</param>
    /// <param name="names">Those there are.</param>
    public static string[] Of(string given, IEnumerable<string> names) =>
        given.Length > 64 ? [] : [.. names.Where(n => Distance(n, given) <= Math.Max(2, n.Length / 3)).Take(3)];

    /// <summary>How many letters to put in, to leave out or to change make one of the other (Levenshtein).</summary>
    internal static int Distance(string a, string b)
    {
        var row = new int[b.Length + 1];
        for (var j = 0; j <= b.Length; j++)
            row[j] = j;
        for (var i = 1; i <= a.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= b.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j - 1], above) + 1, diagonal + (a[i - 1] == b[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[b.Length];
    }
}
