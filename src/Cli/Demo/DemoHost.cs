using System.Diagnostics;

namespace Hive.Cli.Demo;

/// <summary>The demo's host process.</summary>
internal static class DemoHost
{
    /// <summary>Everything the demo starts carries this variable with the demo's folder in it, so that nothing of it
    /// can be overlooked or mistaken.</summary>
    public const string Mark = "HIVE_DEMO";

    public static Process Start(DemoFolder folder, IEnumerable<string> flags)
    {
        // Through the shell for one thing: output straight into a file, so that the host can write whatever becomes of
        // this process.
        var start = new ProcessStartInfo(
            "/bin/sh",
            [
                "-c",
                "exec \"$0\" \"$@\" >\"$HIVE_DEMO/host.log\" 2>&1 </dev/null",
                HostProgram.Find(),
                "--data-dir",
                folder.DataDir,
                "--run-dir",
                folder.RunDir,
                .. flags,
            ]
        )
        {
            WorkingDirectory = folder.Root,
        };
        start.Environment.Clear();
        foreach (var (name, value) in HostProgram.Environment())
        {
            // The operator's own Hive may be configured by environment; the demo is another one.
            if (!name.StartsWith("HIVE_", StringComparison.OrdinalIgnoreCase))
                start.Environment[name] = value;
        }

        start.Environment[Mark] = folder.Root;
        return Process.Start(start)!;
    }
}
