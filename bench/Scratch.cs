using System.Diagnostics;
using System.Runtime.InteropServices;

namespace Hive.Benchmarks;

/// <summary>
/// The folder of one run and every process started in it. Both are removed however the run ends: normally, by a signal,
/// or by SIGKILL, after which a small shell that holds the other end of a pipe cleans up.
/// </summary>
internal sealed class Scratch : IAsyncDisposable
{
    private const string Guard = """
        trap '' INT TERM HUP
        pids=
        while read -r change pid; do
          case $change in
            +) pids="$pids $pid";;
            -) left=; for p in $pids; do [ "$p" = "$pid" ] || left="$left $p"; done; pids=$left;;
          esac
        done
        for p in $pids; do kill -KILL "$p" 2>/dev/null; done
        for n in 1 2 3; do rm -rf -- "$1" 2>/dev/null && break; sleep 1; done
        """;

    private readonly Process guard;
    private readonly List<Child> children = [];

    private Scratch(string folder, Process guard) => (Folder, this.guard) = (folder, guard);

    public string Folder { get; }

    public static Scratch Create(string parent)
    {
        // A short path, because a socket's path may have 107 bytes.
        var folder = Path.Combine(parent, $"hive-bench-{Path.GetRandomFileName()[..8]}");
        Directory.CreateDirectory(folder, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        var start = new ProcessStartInfo("/bin/sh") { RedirectStandardInput = true };
        foreach (var argument in new[] { "-c", Guard, "hive-bench-guard", folder })
            start.ArgumentList.Add(argument);
        var guard = Process.Start(start) ?? throw new BenchmarkException("/bin/sh did not start");
        guard.StandardInput.AutoFlush = true;
        return new Scratch(folder, guard);
    }

    /// <summary>Creates a folder inside the run's folder.</summary>
    public string NewFolder(string name)
    {
        for (var n = 1; ; n++)
        {
            var path = Path.Combine(Folder, $"{name}{n}");
            if (Directory.Exists(path))
                continue;
            Directory.CreateDirectory(path);
            return path;
        }
    }

    /// <summary>A path for a file inside the run's folder.</summary>
    public string NewFile(string name) => Path.Combine(NewFolder(name), "output");

    /// <summary>Starts a program whose output goes to <paramref name="log"/>; it is stopped at the end of the run at
    /// the latest.</summary>
    public Child Start(
        string program,
        IEnumerable<string> arguments,
        string log,
        IReadOnlyDictionary<string, string>? environment = null
    )
    {
        // The shell only redirects: exec keeps its process id.
        var start = new ProcessStartInfo("/bin/sh") { WorkingDirectory = Folder };
        foreach (
            var argument in new[]
            {
                "-c",
                "log=$1; shift; exec \"$@\" >\"$log\" 2>&1 </dev/null",
                "sh",
                log,
                program,
            }.Concat(arguments)
        )
            start.ArgumentList.Add(argument);
        foreach (
            var name in start
                .Environment.Keys.Where(name => name.StartsWith("HIVE_", StringComparison.Ordinal))
                .ToArray()
        )
            start.Environment.Remove(name);
        foreach (var (name, value) in environment ?? new Dictionary<string, string>())
            start.Environment[name] = value;
        var process = Process.Start(start) ?? throw new BenchmarkException($"{program} did not start");
        guard.StandardInput.WriteLine($"+ {process.Id}");
        var child = new Child(process, log);
        children.Add(child);
        return child;
    }

    /// <summary>Asks a child to end, and kills it after ten seconds.</summary>
    public async Task StopAsync(Child child)
    {
        if (!children.Remove(child))
            return;
        using (child.Process)
        {
            if (!child.Process.HasExited)
            {
                _ = Kill(child.Process.Id, 15);
                using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(10));
                try
                {
                    await child.Process.WaitForExitAsync(patience.Token);
                }
                catch (OperationCanceledException)
                {
                    child.Process.Kill();
                    await child.Process.WaitForExitAsync(CancellationToken.None);
                }
            }

            await guard.StandardInput.WriteLineAsync($"- {child.Process.Id}");
        }
    }

    public async ValueTask DisposeAsync()
    {
        while (children.Count > 0)
            await StopAsync(children[^1]);
        Directory.Delete(Folder, recursive: true);
        guard.StandardInput.Close();
        await guard.WaitForExitAsync();
        guard.Dispose();
    }

    [DllImport("libc", EntryPoint = "kill")]
    [DefaultDllImportSearchPaths(DllImportSearchPath.SafeDirectories)]
    private static extern int Kill(int process, int signal);

    internal sealed record Child(Process Process, string Log)
    {
        /// <summary>The lines of its output so far.</summary>
        public string[] Lines() => File.Exists(Log) ? File.ReadAllLines(Log) : [];

        /// <summary>The end of its output, for an error message.</summary>
        public string Tail() => string.Join('\n', Lines().TakeLast(15));
    }
}
