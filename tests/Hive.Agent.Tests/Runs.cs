using System.Text;
using Hive.Agent.Children;
using Hive.Agent.Drivers.Claude;

namespace Hive.Agent.Tests;

/// <summary>Makes runs of Claude Code without live events.</summary>
internal static class Runs
{
    public static StreamJson Of(bool resumed)
    {
        var log = new Log(TextWriter.Null, TimeProvider.System);
        var calls = new HostCalls(new HostConnector("/nowhere", log, TimeProvider.System), "test");
        var report = new HarnessReport(calls, "claude", log, TimeProvider.System);
        return new StreamJson(new LiveEvents(calls, log, TimeProvider.System), report, resumed);
    }

    /// <summary>A run that has read a recording of the real program.</summary>
    public static StreamJson Recorded(string recording, bool resumed)
    {
        var seen = Of(resumed);
        foreach (var line in Recording(recording))
            seen.Take(new OutputLine(Encoding.UTF8.GetBytes(line)));
        return seen;
    }

    public static string[] Recording(string name) =>
        File.ReadAllLines(Path.Combine(AppContext.BaseDirectory, "StandIn", "recordings", "real", $"{name}.jsonl"));
}
