using Hive.Protocol.Options;

namespace Hive.Cli.Host;

/// <summary>The flags of <c>up</c> and how they are passed to the host.</summary>
/// <param name="Given">The values, by key.</param>
/// <param name="Arguments">
/// The host's command line: every flag except secrets, since every user of the machine can read a command line.
/// </param>
/// <param name="Environment">The host's environment, with the secrets.</param>
internal sealed record HostFlags(
    IReadOnlyDictionary<string, string> Given,
    string[] Arguments,
    Dictionary<string, string> Environment
)
{
    /// <summary>Reads the host's flags from the command line of a verb.</summary>
    /// <param name="tokens">The tokens that are not options of the verb.</param>
    /// <param name="runDir">The value of <c>--run-dir</c>, which every verb has; null when it was not given.</param>
    /// <exception cref="UsageException">A flag is unknown or its value is invalid.</exception>
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
