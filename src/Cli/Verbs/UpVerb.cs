using System.CommandLine;

namespace Hive.Cli.Verbs;

/// <summary>Becomes the host, in the foreground.</summary>
internal static class UpVerb
{
    private const string Logging = "Logging:";

    // What the host reads. It would pass over any other in silence, and over a misspelt one too.
    private static readonly string[] Keys = ["DataDir", "RunDir", "Urls", "AllowedHosts", "Token", "Runtime", "Driver", "OperatorPronouns", "GitEmailDomain", "AcceptLoss"];

    public static Command Create()
    {
        var command = new Command("up", """
            Start Hive in the foreground. The host's own flags:
              --DataDir DIR  --RunDir DIR  --Urls http://127.0.0.1:7000  --Runtime auto|nixos|podman|docker|nspawn|sandbox|process  --Driver auto|scripted
              --AllowedHosts NAMES  --Token TOKEN  --OperatorPronouns TEXT  --AcceptLoss true  --Logging:LogLevel:Default Debug
            Ctrl-C stops it.
            """)
        {
            TreatUnmatchedTokensAsErrors = false,
        };
        command.SetAction((Func<ParseResult, int>)(parsed =>
        {
            Flags("up", parsed.UnmatchedTokens);
            var host = HostProgram.Find();
            string[] runDir = parsed.GetValue(CommonOptions.RunDir) is { } dir ? ["--RunDir", dir] : [];
            throw new UnreachableException($"cannot start {host}: {Native.Become(host, [.. parsed.UnmatchedTokens, .. runDir], HostProgram.Environment())}");
        }));
        return command;
    }

    /// <summary>The host's flags, as they were given to a verb that passes them on.</summary>
    /// <exception cref="UsageException">One that the host does not read, or one without its value.</exception>
    public static IReadOnlyDictionary<string, string> Flags(string verb, IReadOnlyList<string> tokens)
    {
        var flags = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < tokens.Count; i++)
        {
            var flag = tokens[i].Split('=', 2);
            if (!flag[0].StartsWith("--", StringComparison.Ordinal) || !Known(flag[0][2..]))
                throw new UsageException($"{verb} has no {flag[0]}{Near(flag[0])}");
            if (flag.Length == 1 && (++i == tokens.Count || tokens[i].StartsWith("--", StringComparison.Ordinal)))
                throw new UsageException($"{flag[0]} wants a value");
            flags[flag[0][2..]] = flag.Length == 2 ? flag[1] : tokens[i];
        }

        return flags;
    }

    private static bool Known(string key) =>
        Keys.Contains(key, StringComparer.OrdinalIgnoreCase) || (key.StartsWith(Logging, StringComparison.OrdinalIgnoreCase) && key.Length > Logging.Length);

    private static string Near(string flag)
    {
        var (key, distance) = Keys.Select(k => (Key: k, Distance: Distance(Letters(flag), Letters(k)))).MinBy(k => k.Distance);
        return distance <= 2 ? $"; did you mean --{key}?" : $"; there are: {string.Join(", ", Keys.Select(k => $"--{k}"))}, --{Logging}…";
    }

    private static string Letters(string text) => string.Concat(text.Where(char.IsAsciiLetter)).ToUpperInvariant();

    // How many letters to put in, to leave out or to change make one of the other.
    private static int Distance(string one, string other)
    {
        var row = Enumerable.Range(0, other.Length + 1).ToArray();
        for (var i = 1; i <= one.Length; i++)
        {
            var diagonal = row[0];
            row[0] = i;
            for (var j = 1; j <= other.Length; j++)
            {
                var above = row[j];
                row[j] = Math.Min(Math.Min(row[j], row[j - 1]) + 1, diagonal + (one[i - 1] == other[j - 1] ? 0 : 1));
                diagonal = above;
            }
        }

        return row[^1];
    }
}
