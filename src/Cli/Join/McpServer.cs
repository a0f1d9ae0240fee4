using System.Text.Json.Nodes;

namespace Hive.Cli.Join;

/// <summary>Describes the MCP server through which a client is an agent.</summary>
/// <param name="Agent">The agent's name.</param>
/// <param name="Program">The path of <c>hive-agent</c>.</param>
/// <param name="Socket">The agent's socket.</param>
internal sealed record McpServer(string Agent, string Program, string Socket)
{
    /// <summary>
    /// The server's name in a client's configuration; it differs per agent, so one folder can hold several.
    /// </summary>
    public string Name => $"hive-{Agent}";

    public string[] Args => ["mcp", "--socket", Socket];

    public JsonArray JsonArgs => [.. Args];

    /// <summary>Quotes a word for a shell.</summary>
    public static string Quoted(string word) =>
        word.All(c => char.IsAsciiLetterOrDigit(c) || "/._-+:@%".Contains(c))
            ? word
            : $"'{word.Replace("'", @"'\''", StringComparison.Ordinal)}'";
}
