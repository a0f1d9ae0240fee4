using System.Text;
using System.Text.Json;

namespace Hive.Agent.Drivers.Claude;

/// <summary>Finds the credentials of Claude Code in the agent's home or environment (docs/claude-driver.md).</summary>
internal sealed class ClaudeLogin(AgentSettings settings) : ILogin
{
    private const int LongestFile = 4 * 1024 * 1024;

    // In the tool's order of preference.
    private static readonly string[] Variables =
    [
        "CLAUDE_CODE_USE_BEDROCK",
        "CLAUDE_CODE_USE_VERTEX",
        "CLAUDE_CODE_USE_FOUNDRY",
        "ANTHROPIC_AUTH_TOKEN",
        "ANTHROPIC_API_KEY",
        "CLAUDE_CODE_OAUTH_TOKEN",
    ];

    public string Folder => Own ?? Path.Combine(Home, ".claude");

    /// <summary>The program of the turns, with its first arguments.</summary>
    public IReadOnlyList<string> Program => settings.Command is { Count: > 0 } own ? own : ["claude"];

    public IReadOnlyList<string> Command =>
        settings.LoginCommand is { Count: > 0 } own ? own : [.. Program, "auth", "login"];

    public string? Fingerprint
    {
        get
        {
            var found = new StringBuilder();
            foreach (var name in Variables)
            {
                if (Variable(name) is { } value && value is not ("0" or "false"))
                    found.Append(name).Append('=').Append(value).Append('\n');
            }

            found.Append(Member(Path.Combine(Folder, ".credentials.json"), "claudeAiOauth"));
            // A console account stores a key there.
            found.Append(Member(ConfigFile, "primaryApiKey"));
            found.Append(Member(Path.Combine(Folder, "settings.json"), "apiKeyHelper"));
            return found.Length == 0 ? null : StableHash.Of(found.ToString());
        }
    }

    private static string Home =>
        Environment.GetFolderPath(Environment.SpecialFolder.UserProfile, Environment.SpecialFolderOption.DoNotVerify);

    private string? Own => Variable("CLAUDE_CONFIG_DIR");

    private string ConfigFile => Path.Combine(Own ?? Home, ".claude.json");

    // Variables of agent.yaml win, as in the program's environment.
    private string? Variable(string name) =>
        (settings.Environment.GetValueOrDefault(name) ?? Environment.GetEnvironmentVariable(name))
            is { Length: > 0 } value
            ? value
            : null;

    private static string? Member(string path, string name)
    {
        try
        {
            if (new FileInfo(path) is not { Exists: true, Length: < LongestFile })
                return null;
            using var json = JsonDocument.Parse(File.ReadAllBytes(path));
            return
                json.RootElement.ValueKind == JsonValueKind.Object
                && json.RootElement.TryGetProperty(name, out var value)
                && value.ValueKind is JsonValueKind.Object or JsonValueKind.String
                && value.GetRawText() is var text
                && text is not ("{}" or "\"\"")
                ? $"{path}:{text}\n"
                : null;
        }
        catch (Exception e) when (e is JsonException or IOException or UnauthorizedAccessException)
        {
            // The file is being written, or belongs to another user.
            return null;
        }
    }
}
