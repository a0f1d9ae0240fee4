using System.Diagnostics;
using Hive.Common.Errors;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Runtimes;

/// <summary>A command line with its environment.</summary>
/// <param name="Arguments">The program and its arguments.</param>
/// <param name="Environment">All variables it gets.</param>
/// <param name="WorkingDirectory">Where it starts, on the host.</param>
/// <param name="NeedsGroup">It may not run without a control group of its own.</param>
internal sealed record Launch(
    IReadOnlyList<string> Arguments,
    IReadOnlyDictionary<string, string> Environment,
    string WorkingDirectory,
    bool NeedsGroup = false
)
{
    /// <summary>The command that puts it and its pump into a control group; empty where Hive does so itself.</summary>
    public IReadOnlyList<string> Scope { get; init; } = [];

    /// <summary>The control groups that Hive made for it, each with one for it and one for its pump; may be
    /// none.</summary>
    public IReadOnlyList<string> Groups { get; init; } = [];

    /// <summary>All that a program needs which gives its own environment to what it runs.</summary>
    public static IReadOnlyDictionary<string, string> PathAlone { get; } =
        new Dictionary<string, string>
        {
            ["PATH"] =
                System.Environment.GetEnvironmentVariable("PATH")
                ?? "/usr/local/bin:/usr/bin:/bin:/usr/local/sbin:/usr/sbin:/sbin",
        };
}

/// <summary>The runtimes of this host, and which one new agents get.</summary>
internal sealed class Runtimes(IEnumerable<IRuntime> runtimes, HiveOptions options)
{
    /// <summary>No container: whoever opens the agent's socket is the agent.</summary>
    public const string External = "external";

    /// <summary>What <c>auto</c> may pick, best first. Never <c>process</c>.</summary>
    public static IReadOnlyList<string> Automatic { get; } = ["nixos", "podman", "docker", "nspawn", "sandbox"];

    private readonly Dictionary<string, IRuntime> byName = runtimes.ToDictionary(r => r.Name);

    /// <summary>All of them.</summary>
    public IReadOnlyCollection<IRuntime> All => byName.Values;

    /// <summary>What the operator named for new agents; null for <c>auto</c>.</summary>
    public string? Configured => options.Runtime is HiveOptions.Auto ? null : options.Runtime;

    /// <summary>The runtime behind a name; null for <c>external</c>.</summary>
    /// <exception cref="Problem">Code <c>invalid</c>: there is none of that name.</exception>
    public IRuntime? Find(string name)
    {
        if (name == External)
            return null;
        return byName.TryGetValue(name, out var runtime)
            ? runtime
            : throw Problem.Invalid(
                $"there is no runtime '{name}'; there are: auto, {string.Join(", ", byName.Keys.Order())}, {External}"
            );
    }

    /// <summary>Which runtime a new agent gets when <paramref name="asked"/> is left out or <c>auto</c>.</summary>
    /// <exception cref="Problem">Code <c>unavailable</c>: none works here; the message says why and what
    /// helps.</exception>
    public async Task<string> Choose(string? asked, CancellationToken ct)
    {
        var name = string.IsNullOrEmpty(asked) ? options.Runtime : asked;
        if (name != HiveOptions.Auto)
        {
            if (Find(name) is { } named && await named.Fault(ct) is { } fault)
                throw Problem.Unavailable($"the runtime '{name}' does not work here: {fault}");
            return name;
        }

        var last = "";
        foreach (var candidate in Automatic)
        {
            if (await byName[candidate].Fault(ct) is not { } fault)
                return candidate;
            last = fault;
        }

        // The last is the smallest to install.
        throw Problem.Unavailable(
            $"no runtime that isolates agents works here; {Automatic[^1]}: {last}. "
                + "`hive doctor` tells of the others; the runtime 'process' works without isolation"
        );
    }

    /// <summary>The runtime new agents get, or <c>none</c> when no isolating one works here.</summary>
    public async Task<string> Default(CancellationToken ct)
    {
        try
        {
            return await Choose(null, ct);
        }
        catch (Problem)
        {
            return "none";
        }
    }

    /// <summary>What stands for <c>auto</c> when none works.</summary>
    public string Preferred => Configured ?? Automatic[^1];
}

/// <summary>Where the harness is that runs inside a container.</summary>
internal static class HarnessBinary
{
    public const string FileName = "hive-agent";

    /// <summary>The self-contained program beside the host, or in the build's output.</summary>
    public static string Path { get; } = Find();

    private static string Find()
    {
        var here = AppContext.BaseDirectory;
        string[] places =
        [
            System.IO.Path.Combine(here, "agent", FileName),
            System.IO.Path.GetFullPath(System.IO.Path.Combine(here, "..", "..", "..", "agent", FileName)),
        ];
        return Array.Find(places, File.Exists) ?? places[0];
    }

    /// <summary>The folder that every container sees it in.</summary>
    public static string Folder => System.IO.Path.GetDirectoryName(Path)!;

    /// <summary>The command of a trial: the harness, which tries from inside whether the container isolates.</summary>
    public static IReadOnlyList<string> Probe { get; } =
    [$"{Blueprints.HarnessFolder}/{FileName}", HarnessProbe.Command];

    /// <summary>Why a runtime does not work whose container the probe got out of.</summary>
    public static string NoIsolation(string told) =>
        $"it does not isolate: settings of the kernel are {told}; "
        + "start Hive as an ordinary user, or use another runtime";

    /// <summary>Why it cannot be used; null when it is there.</summary>
    public static string? Fault => File.Exists(Path) ? null : $"the harness {Path} is missing; build Hive again";
}

/// <summary>Runs a program that ends by itself soon, or is ended.</summary>
internal static class Trial
{
    /// <summary>How long a program has that only asks or says something.</summary>
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    /// <summary>Runs a program once to see whether it works.</summary>
    /// <returns>Its exit code, -1 for one that did not end in time (<see cref="Patience"/>), and what it said on its
    /// error stream.</returns>
    public static async Task<(int ExitCode, string Error)> Run(IReadOnlyList<string> command, CancellationToken ct)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        limit.CancelAfter(Patience);
        using var process = Start(command);
        try
        {
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return (process.ExitCode, (await error).Trim());
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            return (-1, $"it did not end within {Patience.TotalSeconds:0} s");
        }
    }

    /// <summary>Runs a program and takes all it prints, on either stream.</summary>
    /// <param name="command">The program and its arguments.</param>
    /// <param name="patience">How long it has; null for as long as it takes.</param>
    /// <param name="ct">Ends it.</param>
    /// <param name="environment">All variables it gets; null for the host's own.</param>
    /// <exception cref="Problem">Code <c>unavailable</c>: it has not ended in time, and was ended.</exception>
    public static async Task<Executed> Output(
        IReadOnlyList<string> command,
        TimeSpan? patience,
        CancellationToken ct,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(ct);
        if (patience is { } time)
            limit.CancelAfter(time);
        using var process = Start(command, environment);
        try
        {
            var error = process.StandardError.ReadToEndAsync(limit.Token);
            var output = await process.StandardOutput.ReadToEndAsync(limit.Token);
            await process.WaitForExitAsync(limit.Token);
            return new Executed(process.ExitCode, output + await error);
        }
        catch (OperationCanceledException)
        {
            process.Kill(entireProcessTree: true);
            ct.ThrowIfCancellationRequested();
            throw Problem.Unavailable(
                $"`{string.Join(' ', command)}` has not ended within {patience?.TotalSeconds:0} s and was ended; see what holds it, then try again"
            );
        }
    }

    private static Process Start(IReadOnlyList<string> command, IReadOnlyDictionary<string, string>? environment = null)
    {
        var start = new ProcessStartInfo(command[0], command.Skip(1))
        {
            RedirectStandardError = true,
            RedirectStandardOutput = true,
            RedirectStandardInput = true,
        };
        if (environment is not null)
        {
            start.Environment.Clear();
            foreach (var (key, value) in environment)
                start.Environment[key] = value;
        }

        var process = Process.Start(start)!;
        process.StandardInput.Close();
        return process;
    }
}

/// <summary>A trial whose result is kept: what works goes on working; what does not is tried again now and then, not
/// whenever somebody asks.</summary>
/// <param name="run">Null for success, else why not.</param>
/// <param name="clock">Says when a failure is old.</param>
internal sealed class KeptTrial(Func<Task<string?>> run, TimeProvider clock)
{
    private static readonly TimeSpan FaultKept = TimeSpan.FromMinutes(1);

    private static readonly AsyncLocal<bool> Afresh = new();

    private readonly Lock gate = new();
    private Task<string?>? tried;
    private DateTimeOffset triedAt;

    /// <summary>From here on, whoever asks in this flow of calls has everything tried anew: somebody may have just
    /// mended it, or it may have just broken.</summary>
    public static void ForgetInThisFlow() => Afresh.Value = true;

    public Task<string?> Fault(CancellationToken ct)
    {
        lock (gate)
        {
            var keep =
                tried is not null
                && (!Afresh.Value || !tried.IsCompleted)
                && (
                    !tried.IsCompleted
                    || tried is { IsCompletedSuccessfully: true, Result: null }
                    || clock.GetUtcNow() - triedAt < FaultKept
                );
            if (!keep)
                (tried, triedAt) = (run(), clock.GetUtcNow());
            return tried!.WaitAsync(ct);
        }
    }
}
