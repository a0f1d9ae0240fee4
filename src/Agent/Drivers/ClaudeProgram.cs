using Hive.Agent.Children;

namespace Hive.Agent.Drivers;

/// <summary>Looks for the program of Claude Code as this process sees it.</summary>
internal static class ClaudeProgram
{
    /// <summary>Says that a program is not on the PATH, and how to get it; null when it is there.</summary>
    public static string? Missing(string program, string folder) =>
        Child.Find(program, folder) is not null
            ? null
            : $"Claude Code (`{program}`) is not on the agent's PATH ({Environment.GetEnvironmentVariable("PATH")}); "
                + "install it there, such as with `npm install -g @anthropic-ai/claude-code`";
}
