using System.Collections;
using System.Text.Json;

namespace Hive.Protocol.Options;

/// <summary>
/// Reads the options from flags, else from the environment, else from <c>hive.json</c> in the data folder. All errors
/// are reported at once, each with its source; an invalid value counts as not given. An empty value does too, without
/// an error.
/// </summary>
public sealed class ReadOptions
{
    private const string LogLevel = "Logging:LogLevel:";
    private const string Prefix = "HIVE_";
    private const string InDocuments = "docs/options.md lists them";

    // Variables of agents, of the demo and of the tests, which may be in a host's environment too.
    private static readonly HashSet<string> Others =
    [
        "HIVE_AGENT",
        "HIVE_SOCKET",
        "HIVE_STATE_DIR",
        "HIVE_TURN",
        "HIVE_MESSAGE_ID",
        "HIVE_MESSAGE_FROM",
        "HIVE_REDELIVERED",
        "HIVE_EVENT",
        "HIVE_ARGUMENTS",
        "HIVE_INPUTS",
        "HIVE_INSTANCE",
        "HIVE_CONTAINER",
        "HIVE_DEMO",
        "HIVE_REQUIRE_ALL",
        "HIVE_TEST_RING",
        "HIVE_TEST_SECONDS",
        "HIVE_TEST_SEED",
        "HIVE_CHROMIUM",
        "HIVE_UPDATE_OPENAPI",
        "HIVE_UPDATE_DOCS",
        "HIVE_UPDATE_PICTURES",
    ];

    // Other categories of the log take the same levels as the default one.
    private static readonly HiveOption Level = HiveOption.All.First(o => o.Key == LogLevel + "Default");

    private static readonly JsonDocumentOptions Relaxed = new()
    {
        CommentHandling = JsonCommentHandling.Skip,
        AllowTrailingCommas = true,
    };

    private readonly Dictionary<string, string> given = new(StringComparer.OrdinalIgnoreCase);
    private readonly List<string> faults = [];

    private ReadOptions() { }

    /// <summary>The values of all options.</summary>
    public HiveOptions Options { get; private set; } = new();

    /// <summary>The given values, by key.</summary>
    public IReadOnlyDictionary<string, string> Given => given;

    /// <summary>The errors, one sentence each; empty when everything is valid.</summary>
    public IReadOnlyList<string> Faults => faults;

    /// <summary>The folders; null when they cannot be found.</summary>
    public HivePaths? Paths { get; private set; }

    /// <summary>Reads only flags, for a command that passes them on.</summary>
    public static ReadOptions Flags(IReadOnlyList<string> arguments)
    {
        var read = new ReadOptions();
        read.AddFlags(arguments);
        return read;
    }

    /// <summary>Reads flags, environment and <c>hive.json</c>.</summary>
    /// <param name="arguments">The command line.</param>
    /// <param name="environment">The variables; null for the process's own.</param>
    public static ReadOptions All(
        IReadOnlyList<string> arguments,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        var variables =
            environment
            ?? Environment
                .GetEnvironmentVariables()
                .Cast<DictionaryEntry>()
                .ToDictionary(v => (string)v.Key, v => (string?)v.Value ?? "");
        var read = Flags(arguments);
        read.AddEnvironment(variables);
        try
        {
            read.Paths = HivePaths.Find(
                read.given.GetValueOrDefault("DataDir"),
                read.given.GetValueOrDefault("RunDir"),
                variables.GetValueOrDefault
            );
            read.AddFile(Path.Combine(read.Paths.DataDir, "hive.json"));
        }
        catch (Exception e) when (e is InvalidOperationException or IOException or UnauthorizedAccessException)
        {
            read.faults.Add(e.Message);
        }

        return read;
    }

    private void AddFlags(IReadOnlyList<string> arguments)
    {
        // The last occurrence of a flag wins, as usual on command lines.
        Dictionary<string, (string Source, string Value)> last = new(StringComparer.OrdinalIgnoreCase);
        for (var i = 0; i < arguments.Count; i++)
        {
            var parts = arguments[i].Split('=', 2);
            var (flag, value) = (parts[0], parts.ElementAtOrDefault(1));
            if (!flag.StartsWith("--", StringComparison.Ordinal))
            {
                faults.Add($"'{Shown(flag)}' does not belong to an option; options are given as --name value");
                continue;
            }

            var option = HiveOption.All.FirstOrDefault(o => Letters(o.Flag) == Letters(flag));
            var key = option?.Key ?? Category(flag[2..]);
            if (key is null)
                AddUnknown(flag, HiveOption.All.Select(o => o.Flag), "hive up --help lists them");
            var hasNext = i + 1 < arguments.Count && !arguments[i + 1].StartsWith("--", StringComparison.Ordinal);
            if (value is null && hasNext)
                value = arguments[++i];
            else if (value is null && option is { Kind: OptionKind.Switch })
                value = "true";
            else if (value is null && key is not null)
                faults.Add($"{flag} needs a value");
            if (key is not null && value is not null)
                last[key] = (flag, value);
        }

        foreach (var (key, (flag, value)) in last)
            Add(key, value, flag);
    }

    private void AddEnvironment(IReadOnlyDictionary<string, string> variables)
    {
        var ours = variables.Where(v =>
            v.Key.StartsWith(Prefix, StringComparison.OrdinalIgnoreCase) && !Others.Contains(v.Key)
        );
        foreach (var (name, value) in ours.OrderBy(v => v.Key, StringComparer.Ordinal))
        {
            var key =
                HiveOption.All.FirstOrDefault(o => o.Variable == name)?.Key
                ?? Category(name[Prefix.Length..].Replace("__", ":", StringComparison.Ordinal));
            if (key is null)
                AddUnknown($"the variable {name}", HiveOption.All.Select(o => o.Variable), InDocuments, name);
            else
                Add(key, value, name);
        }
    }

    private void AddFile(string file)
    {
        if (!File.Exists(file))
            return;
        try
        {
            using var settings = JsonDocument.Parse(HivePaths.ReadSettings(file), Relaxed);
            if (settings.RootElement.ValueKind != JsonValueKind.Object)
                throw new JsonException("it is another kind of value.");
            AddObject(settings.RootElement, "", file, new HashSet<string>(StringComparer.OrdinalIgnoreCase));
        }
        catch (JsonException e)
        {
            faults.Add($"{file} is not a JSON object: {e.Message} Fix it, or move it away");
        }
    }

    private void AddObject(JsonElement settings, string above, string file, HashSet<string> seen)
    {
        foreach (var member in settings.EnumerateObject())
        {
            var key = above + member.Name;
            var source = $"\"{key}\" in {file}";
            var option = HiveOption.All.FirstOrDefault(o => o.Key.Equals(key, StringComparison.OrdinalIgnoreCase));
            var begins = HiveOption.All.Any(o => o.Key.StartsWith(key + ":", StringComparison.OrdinalIgnoreCase));
            if (member.Value.ValueKind == JsonValueKind.Object && begins)
                AddObject(member.Value, key + ":", file, seen);
            else if (option is null && Category(key) is null)
                AddUnknown(source, HiveOption.All.Select(o => o.Key), InDocuments, key);
            else if (option is { Key: "DataDir" })
                faults.Add(
                    $"{source} has no effect, because the file is in that folder; use {option.Flag} ({option.Variable})"
                );
            else if (!seen.Add(key))
                faults.Add($"{source} occurs more than once; keep one of them");
            else if (TextOf(member.Value, option) is { } text)
                Add(option?.Key ?? key, text, source);
            else
                faults.Add($"{source} must be {Forms(option)}");
        }
    }

    private static string Forms(HiveOption? option) =>
        IsList(option) ? "a string or a list of strings"
        : option?.Kind == OptionKind.Switch ? "true or false"
        : option?.Kind == OptionKind.Seconds ? "a whole number"
        : option?.Kind == OptionKind.Decimal ? "a number"
        : "a string";

    private static bool IsList(HiveOption? option) =>
        option?.Kind is OptionKind.Folders or OptionKind.HostNames or OptionKind.ListenUrls or OptionKind.SecondsList;

    private static string? TextOf(JsonElement value, HiveOption? option) =>
        value.ValueKind switch
        {
            JsonValueKind.String => value.GetString(),
            JsonValueKind.Null => "",
            JsonValueKind.Number when option?.Kind is OptionKind.Seconds or OptionKind.Decimal => value.GetRawText(),
            JsonValueKind.True or JsonValueKind.False when option?.Kind == OptionKind.Switch => value.GetRawText(),
            JsonValueKind.Array
                when IsList(option) && value.EnumerateArray().All(v => v.ValueKind == JsonValueKind.String) =>
                string.Join(';', value.EnumerateArray().Select(v => v.GetString())),
            _ => null,
        };

    // Sources are added with the strongest first.
    private void Add(string key, string value, string source)
    {
        if (value.Length == 0 || given.ContainsKey(key))
            return;
        var option = HiveOption.All.FirstOrDefault(o => o.Key == key);
        if (OptionRules.Fault(option ?? Level, value) is { } fault)
        {
            // An address may contain a password where it should not.
            var mayBeShown = option is not { IsSecret: true } && !value.Contains('@', StringComparison.Ordinal);
            faults.Add(
                mayBeShown
                    ? $"{source} cannot be '{Shown(value)}'; {fault}"
                    : $"the value of {source} is not valid; {fault}"
            );
            return;
        }

        given.Add(key, value);
        if (option is not null)
            Options = option.With(Options, value);
    }

    // The key of a log category's level; null for any other key.
    private static string? Category(string key) =>
        key.Length > LogLevel.Length && key.StartsWith(LogLevel, StringComparison.OrdinalIgnoreCase) ? key : null;

    private void AddUnknown(string what, IEnumerable<string> names, string list, string? name = null)
    {
        var letters = Letters(name ?? what);
        var near = names.MinBy(n => NearNames.Distance(letters, Letters(n)))!;
        var isNear = NearNames.Distance(letters, Letters(near)) <= 2;
        faults.Add($"{what} is not an option; {(isNear ? $"did you mean {near}?" : list)}");
    }

    private static string Shown(string value) =>
        string.Concat(value.Take(80).Select(c => char.IsControl(c) ? '?' : c)) + (value.Length > 80 ? "…" : "");

    // Both spellings of a flag consist of the same letters.
    private static string Letters(string text) =>
        string.Concat(text.Where(char.IsAsciiLetterOrDigit)).ToUpperInvariant();
}
