using System.Text.Json;
using Hive.Protocol;

namespace Hive.Cli.Turns;

/// <summary>Asks the host what an agent's driver lacks before it can work.</summary>
internal static class Readiness
{
    // A harness reports within a second of its start; a slow machine may take longer.
    private const int ComesUpSeconds = 10;

    /// <summary>Waits for the harness of an agent that was just spawned; null with <c>--json</c>.</summary>
    public static async Task<string?> OfStartedAsync(VerbContext verb, JsonElement spawned, string agent)
    {
        var runs = spawned.TryGetProperty("running", out var running) && running.ValueKind == JsonValueKind.True;
        return runs && !verb.Json ? await OfAsync(verb, agent, ComesUpSeconds) : null;
    }

    /// <summary>
    /// The thing that the agent lacks and how to provide it; null when nothing is missing or the agent is unknown.
    /// </summary>
    public static async Task<string?> OfAsync(VerbContext verb, string agent, int waitSeconds = 0)
    {
        JsonElement harness;
        try
        {
            harness = await verb.CallAsync("harness", new { name = agent, wait_seconds = waitSeconds });
        }
        catch (HiveException)
        {
            // A broadcast, or an agent that was destroyed in the meantime.
            return null;
        }

        if (harness.TryGetProperty("missing", out var missing))
            return missing.GetString();
        return harness.GetProperty("state").GetString() is "needs_login" or "logging_in"
            ? "its driver needs a login; log in on the agent's page (hive open)"
            : null;
    }
}
