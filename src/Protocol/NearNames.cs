namespace Hive.Protocol;

/// <summary>Finds the names that a misspelled one may stand for.</summary>
public static class NearNames
{
    /// <summary>Up to three names with a similar spelling.</summary>
    /// <param name="given">The misspelled name.</param>
    /// <param name="names">The known names.</param>
    public static string[] Of(string given, IEnumerable<string> names) =>
        given.Length > 64 ? [] : [.. names.Where(n => Distance(n, given) <= Math.Max(2, n.Length / 3)).Take(3)];

    /// <summary>The number of letters to insert, delete or change to turn one name into the other
    /// (Levenshtein).</summary>
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
