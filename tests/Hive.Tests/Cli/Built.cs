using System.Collections.Immutable;
using System.Diagnostics;
using System.Text.Json;
using Xunit;

namespace Hive.Tests.Cli;

/// <summary>Runs the programs that were built with these tests, in a clean environment.</summary>
internal static class Built
{
    public static string Command { get; } = Find("Hive.Cli", "hive");

    public static string Host { get; } = Find("Hive.Host", "hive-host");

    public static string Agent { get; } = Find("Hive.Agent", "hive-agent");

    public static string Crashing { get; } = Find("Hive.CrashHost", "Hive.CrashHost");

    /// <summary>Runs the hive command to its end.</summary>
    public static async Task<Outcome> HiveAsync(
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
        var path = Environment.GetEnvironmentVariable("PATH");
        var dotnet = Environment.GetEnvironmentVariable("DOTNET_ROOT");
        start.Environment.Clear();
        start.Environment["PATH"] = path;
        start.Environment["HOME"] = "/nonexistent";
        if (dotnet is not null)
            start.Environment["DOTNET_ROOT"] = dotnet;
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        return Process.Start(start)!;
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
