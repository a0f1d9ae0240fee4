using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace Hive.Benchmarks;

/// <summary>The load generator of <c>load.c</c>: compiled once per run, started once per measurement.</summary>
internal sealed class Generator
{
    public const int BodyBytes = 200;

    private readonly Scratch scratch;
    private readonly string program;

    private Generator(Scratch scratch, string program) => (this.scratch, this.program) = (scratch, program);

    public static async Task<Generator> Compile(Scratch scratch, CancellationToken ct)
    {
        var program = Path.Combine(scratch.Folder, "load");
        var source = Path.Combine(HiveHost.Checkout, "bench", "load.c");
        try
        {
            using var compiler = Process.Start(
                new ProcessStartInfo("cc", ["-O2", "-Wall", "-Wextra", "-Werror", "-o", program, source])
            )!;
            await compiler.WaitForExitAsync(ct);
            return compiler.ExitCode == 0
                ? new Generator(scratch, program)
                : throw new BenchmarkException($"cc could not compile {source}");
        }
        catch (Win32Exception)
        {
            throw new BenchmarkException(
                "there is no C compiler named cc, which the load generator needs (Debian: apt install gcc libc6-dev)"
            );
        }
    }

    /// <summary>Runs one measurement; a server error or a lost message ends the benchmark.</summary>
    public async Task<Sample> RunAsync(
        IServer server,
        string mode,
        int connections,
        TimeSpan measured,
        CancellationToken ct,
        TimeSpan? warmUp = null,
        int? most = null
    )
    {
        var child = Start(server, mode, connections, measured, warmUp, most);
        try
        {
            await child.Process.WaitForExitAsync(ct);
            var lines = await File.ReadAllLinesAsync(child.Log, ct);
            if (child.Process.ExitCode != 0 || lines is not [.., ['{', ..] last])
                throw new BenchmarkException(
                    $"load {mode} on {server.Name} with {connections} connections failed:\n{child.Tail()}"
                );
            return JsonSerializer.Deserialize<Sample>(last, Report.Json)!;
        }
        finally
        {
            await scratch.StopAsync(child);
        }
    }

    /// <summary>Starts a measurement and leaves it running; the caller stops it.</summary>
    public Scratch.Child Start(
        IServer server,
        string mode,
        int connections,
        TimeSpan measured,
        TimeSpan? warmUp = null,
        int? most = null
    )
    {
        List<string> arguments =
        [
            "-m",
            mode,
            "-p",
            server.Name,
            "-c",
            Text(connections),
            "-b",
            Text(BodyBytes),
            "-s",
            measured.TotalSeconds.ToString(CultureInfo.InvariantCulture),
            "-w",
            (warmUp ?? TimeSpan.FromSeconds(1)).TotalSeconds.ToString(CultureInfo.InvariantCulture),
        ];
        if (most is { } count)
            arguments.AddRange(["-k", Text(count)]);
        arguments.AddRange(server.LoadArguments);
        return scratch.Start(program, arguments, Path.Combine(scratch.Folder, "load.log"));
    }

    private static string Text(int value) => value.ToString(CultureInfo.InvariantCulture);
}

/// <summary>The output of one run of the load generator.</summary>
internal sealed record Sample(
    string Mode,
    string Server,
    int Conns,
    long Ops,
    double Secs,
    double OpsPerS,
    long P50Us,
    long P90Us,
    long P99Us,
    long P999Us,
    long MaxUs,
    long Sent,
    long Acked,
    long Lost,
    long Errors,
    double GeneratorCpu
);

/// <summary>A server the load generator can drive.</summary>
internal interface IServer
{
    string Name { get; }

    IEnumerable<string> LoadArguments { get; }
}
