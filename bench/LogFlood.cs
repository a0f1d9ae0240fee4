using System.Diagnostics;

namespace Hive.Benchmarks;

/// <summary>An agent in a sandbox that prints to its log without end. Its container would outlive the host.</summary>
internal sealed class LogFlood : IAsyncDisposable
{
    private const string Agent = "flooder";

    private readonly HiveHost host;

    private LogFlood(HiveHost host) => this.host = host;

    /// <summary>Copies the host, with a harness that prints without end in place of an agent's own.</summary>
    /// <returns>The plan with the copy as its host.</returns>
    public static Plan WithItsHarness(Plan plan)
    {
        var folder = plan.Scratch.NewFolder("flooding");
        var from = Path.GetDirectoryName(plan.HostPath)!;
        foreach (var file in Directory.EnumerateFiles(from, "*", SearchOption.AllDirectories))
        {
            var to = Path.Combine(folder, Path.GetRelativePath(from, file));
            Directory.CreateDirectory(Path.GetDirectoryName(to)!);
            File.Copy(file, to);
        }

        var agent = Directory.CreateDirectory(Path.Combine(folder, "agent")).FullName;
        var (harness, real) = (Path.Combine(agent, "hive-agent"), Path.Combine(agent, "real"));
        File.Copy(Path.Combine(HiveHost.Checkout, "artifacts", "agent", "hive-agent"), real);
        // The host tries its runtimes with other commands than an agent's.
        File.WriteAllText(harness, "#!/bin/sh\ncase $1 in serve) exec yes;; *) exec \"${0%/*}/real\" \"$@\";; esac\n");
        File.SetUnixFileMode(harness, File.GetUnixFileMode(real));
        return plan with { HostPath = Path.Combine(folder, Path.GetFileName(plan.HostPath)) };
    }

    /// <summary>Starts the agent, and waits until it prints.</summary>
    /// <param name="host">A host of <see cref="WithItsHarness"/>.</param>
    /// <param name="patience">How long it may take to begin.</param>
    /// <param name="ct">Cancels the wait.</param>
    public static async Task<LogFlood> StartAsync(HiveHost host, TimeSpan patience, CancellationToken ct)
    {
        using var client = await host.Operator(ct);
        await client.CallAsync("spawn", new { name = Agent, runtime = "sandbox" }, ct);
        var flood = new LogFlood(host);
        var log = new FileInfo(Path.Combine(host.DataFolder, "logs", $"{Agent}.log"));
        for (var watch = Stopwatch.StartNew(); !log.Exists || log.Length == 0; log.Refresh())
        {
            if (watch.Elapsed > patience)
            {
                await flood.DisposeAsync();
                throw new BenchmarkException($"the agent that floods its log has printed nothing to {log.FullName}");
            }

            await Task.Delay(50, ct);
        }

        return flood;
    }

    public async ValueTask DisposeAsync()
    {
        using var client = await host.Operator(CancellationToken.None);
        await client.CallAsync("destroy", new { name = Agent });
    }
}
