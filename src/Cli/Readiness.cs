using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli;

/// <summary>Asks the host what an agent's driver lacks, for verbs that hand it work.</summary>
internal static class Readiness
{
    // A harness says what it lacks within a second of its start; a slow machine is waited for somewhat longer.
    private const int ComesUpSeconds = 10;

    /// <summary>The same right after a start, whose harness is waited for.</summary>
    public static async Task<string?> OfStartedAsync(HostVerb verb, JsonElement spawned, string agent)
    {
        var runs = spawned.TryGetProperty("running", out var running) && running.ValueKind == JsonValueKind.True;
        return runs && !verb.Json ? await OfAsync(verb, agent, ComesUpSeconds) : null;
    }

    /// <summary>Says what is missing before the agent can do a turn, with the way out; null for nothing and for an
    /// unknown agent.</summary>
    public static async Task<string?> OfAsync(HostVerb verb, string agent, int waitSeconds = 0)
    {
        JsonElement harness;
        try
        {
            harness = await verb.CallAsync("harness", new { name = agent, wait_seconds = waitSeconds });
        }
        catch (HiveException)
        {
            // A message to everybody, or an agent that has gone in the meantime.
            return null;
        }

        if (harness.TryGetProperty("missing", out var missing))
            return missing.GetString();
        return harness.GetProperty("state").GetString() is "needs_login" or "logging_in"
            ? "its driver needs a login; log in on the agent's page (hive open)"
            : null;
    }
}
