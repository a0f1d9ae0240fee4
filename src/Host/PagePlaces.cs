using System.Text.RegularExpressions;

namespace Hive.Host;

/// <summary>The addresses of the page's places. The page itself reads the place from the address; at any other address
/// it says that there is no such place.</summary>
internal static partial class PagePlaces
{
    /// <summary>True for the address of a place, whether or not the thing that it names exists.</summary>
    public static bool Contains(string? path) => path is not null && Place().IsMatch(path);

    // One line for each place.
    [GeneratedRegex(
        """
            ^/(
                index\.html
              | waiting (/[a-z_]+-[a-z0-9.-]+)?
              | agents (/[a-z][a-z0-9-]* (/(live | messages | turns(/[0-9]+)? | files | config | log))?)?
              | board
              | tickets /[0-9]+
              | messages (/[0-9]+)?
              | changes (/[0-9]+)?
              | stats
              | system
              | settings
            )?/?\z
            """,
        RegexOptions.CultureInvariant | RegexOptions.IgnorePatternWhitespace
    )]
    private static partial Regex Place();
}
