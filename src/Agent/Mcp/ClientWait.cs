using Hive.Protocol;

namespace Hive.Agent.Mcp;

/// <summary>Limits how long a <c>recv</c> waits by what the client allows.</summary>
internal static class ClientWait
{
    /// <summary>
    /// The longest wait in seconds. Most clients give up on a call after a minute; Claude Code waits longer.
    /// </summary>
    public static int Longest(string client) => client.StartsWith("claude-code/", StringComparison.Ordinal) ? 170 : 50;

    public static int Default(string client) => Math.Min(Limits.DefaultWaitSeconds, Longest(client));
}
