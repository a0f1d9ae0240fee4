using System.CommandLine;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>What several verbs take, said the same way by each.</summary>
internal static class CommonOptions
{
    public static Option<string?> RunDir { get; } =
        new("--run-dir")
        {
            Description =
                "Folder with Hive's sockets (HIVE_RUNDIR). Default: /run/hive for root, else $XDG_RUNTIME_DIR/hive",
            HelpName = "DIR",
            Recursive = true,
        };

    public static Option<bool> Json { get; } = new("--json") { Description = "Answer with JSON, for scripts" };

    /// <summary>An agent's name; a leading @, as on the dashboard, is taken off.</summary>
    public static Argument<string> Agent(string description = "The agent's name") =>
        new("NAME") { Description = description, CustomParser = result => WithoutAt(result.Tokens[0].Value) };

    public static string WithoutAt(string name) => name.StartsWith('@') ? name[1..] : name;

    /// <summary>Where Hive is, as the command line says.</summary>
    /// <param name="parsed">The command line.</param>
    /// <param name="flags">The host's own flags, for a verb that takes them too.</param>
    public static HivePaths Paths(this ParseResult parsed, IReadOnlyDictionary<string, string>? flags = null)
    {
        try
        {
            return HivePaths.Find(
                flags?.GetValueOrDefault("DataDir"),
                parsed.GetValue(RunDir) ?? flags?.GetValueOrDefault("RunDir")
            );
        }
        catch (InvalidOperationException e)
        {
            throw new UsageException(
                $"{e.Message.Replace("--run-dir", "--run-dir (HIVE_RUNDIR)", StringComparison.Ordinal)}{(e.InnerException is null ? ", or the folder of its sockets with --run-dir (HIVE_RUNDIR)" : "")}"
            );
        }
    }
}
