using Hive.Protocol.Options;

namespace Hive.Cli;

/// <summary>The flags of <c>up</c>, as they are handed to the host.</summary>
/// <param name="Given">The values, by key.</param>
/// <param name="Arguments">
/// What goes onto the host's command line: everything but secrets, which every user of the machine could read there.
/// </param>
/// <param name="Environment">What goes into its environment.</param>
internal sealed record HostFlags(
    IReadOnlyDictionary<string, string> Given,
    string[] Arguments,
    Dictionary<string, string> Environment
)
{
    /// <summary>Reads them from the command line of a verb.</summary>
    /// <param name="tokens">What the command line holds beside the command's own options.</param>
    /// <param name="runDir">The option that all verbs share, where it was given.</param>
    /// <exception cref="UsageException">One is not known, or its value is not valid.</exception>
    public static HostFlags Of(IReadOnlyList<string> tokens, string? runDir)
    {
        var read = ReadOptions.Flags(runDir is null ? tokens : [.. tokens, $"--run-dir={runDir}"]);
        if (read.Faults.Count > 0)
            throw new UsageException(string.Join("\nhive: ", read.Faults));
        List<string> arguments = [];
        var environment = HostProgram.Environment();
        foreach (var (key, value) in read.Given)
        {
            var option = HiveOption.All.FirstOrDefault(o => o.Key == key);
            if (option is { IsSecret: true })
                environment[option.Variable] = value;
            else
                arguments.Add($"{option?.Flag ?? "--" + key}={value}");
        }

        return new HostFlags(read.Given, [.. arguments], environment);
    }
}
