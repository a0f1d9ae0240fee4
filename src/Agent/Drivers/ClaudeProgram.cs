using Hive.Agent.Children;

namespace Hive.Agent.Drivers;

/// <summary>Looks for the program of Claude Code.</summary>
internal static class ClaudeProgram
{
    /// <summary>An error with its fix when the program is not on the PATH; null when it is.</summary>
    public static string? Missing(string program, string folder) =>
        Child.Find(program, folder) is not null
            ? null
            : $"Claude Code (`{program}`) is not on the agent's PATH ({Environment.GetEnvironmentVariable("PATH")}); "
                + "install it: npm install -g @anthropic-ai/claude-code, then restart the agent";
}
