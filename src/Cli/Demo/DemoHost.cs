using System.Diagnostics;
using Hive.Cli.Host;

namespace Hive.Cli.Demo;

/// <summary>Starts the demo's host.</summary>
internal static class DemoHost
{
    /// <summary>
    /// The environment variable that marks every process of a demo with the demo's folder, so that cleanup finds them.
    /// </summary>
    public const string Mark = "HIVE_DEMO";

    public static Process Start(DemoFolder folder, IEnumerable<string> flags)
    {
        // The shell redirects output to a file, so that the host can still write when this process has ended.
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
            // Variables of the operator's own Hive do not apply to the demo.
            if (!name.StartsWith("HIVE_", StringComparison.OrdinalIgnoreCase))
                start.Environment[name] = value;
        }

        start.Environment[Mark] = folder.Root;
        return Process.Start(start)!;
    }
}
