using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using Hive.Cli.Completion;
using Hive.Cli.Terminal;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Options and arguments that several verbs have. Each verb gets its own: an option keeps a list of the
/// commands that it was added to.</summary>
internal static class CommonOptions
{
    public const string RunDirName = "--run-dir";
    private const string JsonName = "--json";
    private const string WideName = "--wide";

    // A hundred years: no instant before the first.
    private const long MostMinutes = 36_500L * 24 * 60;

    public static Option<string?> RunDir() =>
        new(RunDirName)
        {
            Description =
                "Folder of Hive's sockets (HIVE_RUNDIR). Default: /run/hive for root, else $XDG_RUNTIME_DIR/hive",
            HelpName = "DIR",
            Recursive = true,
        };

    public static Option<bool> Json() => new(JsonName) { Description = "Print JSON, for scripts" };

    /// <summary>For verbs that print a table.</summary>
    public static Option<bool> Wide() => new(WideName) { Description = "Do not truncate the table to the terminal" };

    /// <summary>The run folder that was given; null without one.</summary>
    public static string? RunDirIn(ParseResult parsed) =>
        Of<string?>(parsed.RootCommandResult, RunDirName) is { } option ? parsed.GetValue(option) : null;

    public static bool IsJson(ParseResult parsed) => Has(parsed, JsonName);

    public static bool IsWide(ParseResult parsed) => Has(parsed, WideName);

    /// <summary>An agent's name; a leading @, as the dashboard shows it, is removed.</summary>
    public static Argument<string> Agent(string description = "The agent's name") =>
        Named(description).CompletedBy(Known.AgentsAsync);

    /// <summary>The name of an agent that does not exist yet.</summary>
    public static Argument<string> NewAgent() => Named("The new agent's name: a-z, 0-9 and -, at most 31 characters");

    /// <summary>The name of a destroyed agent.</summary>
    public static Argument<string> Tombstone() => Named("The agent's name").CompletedBy(Known.TombstonesAsync);

    /// <summary>Agents to restrict a list to; read it with <see cref="NamesIn"/>.</summary>
    public static Argument<string[]> OnlyAgents() =>
        new Argument<string[]>("NAME")
        {
            Description = "Only these agents",
            Arity = ArgumentArity.ZeroOrMore,
        }.CompletedBy(Known.AgentsAsync);

    public static string[] NamesIn(ParseResult parsed, Argument<string[]> names) =>
        [.. parsed.GetValue(names)!.Select(WithoutAt)];

    public static string WithoutAt(string name) => name.StartsWith('@') ? name[1..] : name;

    // False for a verb without that flag.
    private static bool Has(ParseResult parsed, string flag) =>
        Of<bool>(parsed.CommandResult, flag) is { } option && parsed.GetValue(option);

    private static Option<T>? Of<T>(CommandResult result, string name) =>
        result.Command.Options.OfType<Option<T>>().FirstOrDefault(option => option.Name == name);

    private static Argument<string> Named(string description) =>
        new("NAME") { Description = description, CustomParser = result => WithoutAt(result.Tokens[0].Value) };

    /// <summary>The id of one thing.</summary>
    /// <param name="description">Which one.</param>
    /// <param name="known">Finds the ids that a shell offers.</param>
    public static Argument<long> Id(string description, Func<HivePaths, CancellationToken, Task<Candidate[]>> known) =>
        new Argument<long>("ID") { Description = description }.CompletedBy(known);

    public static Option<int> Limit(int otherwise, string name = "--limit", string description = "Show at most N") =>
        new("-n", name)
        {
            Description = description,
            HelpName = "N",
            DefaultValueFactory = _ => otherwise,
        };

    /// <summary>Reads a span such as 90m, 24h or 7d; null for any other text.</summary>
    public static TimeSpan? SpanOf(string text) =>
        text is [.. var digits, var unit]
        && int.TryParse(digits, NumberStyles.None, CultureInfo.InvariantCulture, out var many)
        && MinutesIn(unit) is { } minutes
        && many * minutes <= MostMinutes
            ? TimeSpan.FromMinutes(many * minutes)
            : null;

    /// <summary>Reads an instant such as 2026-01-31T12:00:00Z, without an offset in the time of this machine; null for
    /// any other text.</summary>
    public static DateTimeOffset? InstantOf(string text) =>
        text.Length >= "2026-01-31".Length
        && DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeLocal, out var at)
            ? at
            : null;

    private static long? MinutesIn(char unit) =>
        unit switch
        {
            'm' => 1,
            'h' => 60,
            'd' => 24 * 60,
            _ => null,
        };

    public static Option<bool> Yes(string description) => new("--yes", "-y") { Description = description };

    public static Option<string?> Runtime() =>
        new Option<string?>("--runtime")
        {
            Description =
                "Kind of container: nixos, podman, docker, nspawn, sandbox, process (no isolation) or external "
                + "(you run it). Default: the host's --runtime",
            HelpName = "RUNTIME",
        }.CompletedBy("nixos", "podman", "docker", "nspawn", "sandbox", "process", "external");

    /// <summary>Finds Hive's folders from the command line, the environment and <c>hive.json</c>.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="flags">The host's flags, for a verb that takes them.</param>
    public static HivePaths Paths(this ParseResult parsed, IReadOnlyDictionary<string, string>? flags = null)
    {
        try
        {
            return HivePaths.Find(
                flags?.GetValueOrDefault("DataDir"),
                RunDirIn(parsed) ?? flags?.GetValueOrDefault("RunDir"),
                Display.Current.Variable
            );
        }
        catch (InvalidOperationException e)
        {
            var message = e.Message.Replace("--run-dir", "--run-dir (HIVE_RUNDIR)", StringComparison.Ordinal);
            var way = e.InnerException is null ? ", or the folder of its sockets with --run-dir (HIVE_RUNDIR)" : "";
            throw new UsageException(message + way);
        }
    }
}
