using System.Collections.Immutable;
using System.Diagnostics;
using System.Text;
using System.Text.Json;
using Hive.Cli;
using Hive.Cli.Terminal;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>Runs the hive command in this process and the programs that were built with these tests, in a clean
/// environment.</summary>
internal static class Built
{
    public static string Command { get; } = Find("Hive.Cli", "hive");

    public static string Host { get; } = Find("Hive.Host", "hive-host");

    public static string Agent { get; } = Find("Hive.Agent", "hive-agent");

    public static string Crashing { get; } = Find("Hive.CrashHost", "Hive.CrashHost");

    /// <summary>Runs the hive command to its end, in this process where it can: <c>up</c> becomes the host, and
    /// <c>demo</c> starts itself again.</summary>
    public static Task<Outcome> HiveAsync(
        IEnumerable<string> arguments,
        string input = "",
        params (string Name, string Value)[] environment
    )
    {
        string[] words = [.. arguments];
        return words is ["up" or "demo", ..]
            ? HiveProcessAsync(words, input, environment)
            : HiveOnAsync(
                Terminal(null) with
                {
                    Input = () => new MemoryStream(Encoding.UTF8.GetBytes(input)),
                    Variables = Variables(environment),
                },
                words
            );
    }

    /// <summary>Runs the hive command in this process.</summary>
    /// <param name="display">The terminal, whose output and error are replaced.</param>
    /// <param name="arguments">The words after <c>hive</c>.</param>
    public static async Task<Outcome> HiveOnAsync(Display display, params string[] arguments)
    {
        using var output = new StringWriter { NewLine = "\n" };
        using var error = new StringWriter { NewLine = "\n" };
        var code = await CommandLine.RunAsync(arguments, display with { Output = output, Error = error });
        return new Outcome(code, output.ToString(), error.ToString());
    }

    /// <summary>A terminal of that width, or a pipe without one.</summary>
    public static Display Terminal(int? width, bool colours = false) =>
        new(TextWriter.Null, TextWriter.Null, width, 24, colours);

    /// <summary>Runs the hive command to its end in a process of its own.</summary>
    public static async Task<Outcome> HiveProcessAsync(
        IEnumerable<string> arguments,
        string input = "",
        params (string Name, string Value)[] environment
    )
    {
        using var hive = Start(Command, arguments, environment);
        await hive.StandardInput.WriteAsync(input);
        hive.StandardInput.Close();
        var output = hive.StandardOutput.ReadToEndAsync();
        var error = hive.StandardError.ReadToEndAsync();
        await hive.WaitForExitAsync();
        return new Outcome(hive.ExitCode, await output, await error);
    }

    /// <summary>Starts the hive command so that Ctrl-C ends it also where these tests ignore Ctrl-C.</summary>
    public static Process StartHive(IEnumerable<string> arguments, params (string Name, string Value)[] environment) =>
        Start("/usr/bin/env", ["--default-signal=INT", Command, .. arguments], environment);

    public static Process Start(
        string program,
        IEnumerable<string> arguments,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in Variables(environment))
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    private static Dictionary<string, string> Variables((string Name, string Value)[] environment)
    {
        var variables = new Dictionary<string, string> { ["HOME"] = "/nonexistent" };
        foreach (var name in new[] { "PATH", "DOTNET_ROOT" })
            if (Environment.GetEnvironmentVariable(name) is { } value)
                variables[name] = value;
        foreach (var (name, value) in environment)
            variables[name] = value;
        return variables;
    }

    // artifacts/bin/<project>/<configuration>, in the configuration of these tests.
    private static string Find(string project, string program)
    {
        var here = AppContext.BaseDirectory.TrimEnd('/');
        return Path.GetFullPath(Path.Combine(here, "..", "..", project, Path.GetFileName(here), program));
    }
}

internal sealed record Outcome(int ExitCode, string Output, string Error)
{
    public ImmutableArray<string> Lines => [.. Output.Split('\n', StringSplitOptions.RemoveEmptyEntries)];
}

/// <summary>Checks of a command's end.</summary>
internal static class Outcomes
{
    public static Outcome Ok(Outcome outcome, string says = "")
    {
        Assert.True(outcome.ExitCode == 0, outcome.ToString());
        Assert.Contains(says, outcome.Output, StringComparison.Ordinal);
        return outcome;
    }

    public static JsonElement Document(Outcome outcome)
    {
        Ok(outcome);
        return JsonDocument.Parse(Assert.Single(outcome.Lines)).RootElement;
    }
}
