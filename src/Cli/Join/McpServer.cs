using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>The MCP server that makes a client an agent.</summary>
/// <param name="Agent">The agent's name.</param>
/// <param name="Program">The harness, where it lies.</param>
/// <param name="Socket">The agent's socket.</param>
internal sealed record McpServer(string Agent, string Program, string Socket)
{
    /// <summary>Its name in a client's configuration: one for each agent, so that one folder can hold
    /// several.</summary>
    public string Name => $"hive-{Agent}";

    public string[] Args => ["mcp", "--socket", Socket];

    public JsonArray JsonArgs => [.. Args];

    /// <summary>A word as a shell reads it.</summary>
    public static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+:@%".Contains(c))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
