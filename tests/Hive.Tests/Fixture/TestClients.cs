namespace Hive.Tests.Fixture;

/// <summary>The coding agents in <c>tests/clients</c>, which <c>./test</c> installs.</summary>
internal static class TestClients
{
    public static string Folder { get; } = Path.Combine(Root(), "tests", "clients");

    /// <summary>A client's program (<c>claude</c>, <c>codex</c> or <c>opencode</c>), if it is installed.</summary>
    public static string Program(string name) => Installed(Path.Combine(".bin", name));

    /// <summary>Claude Code's program, in the newest installed version or an older one.</summary>
    public static string ClaudeCode(string? older = null)
    {
        var package = older is null ? "@anthropic-ai/claude-code" : $"claude-code-{older}";
        return Installed(Path.Combine(package, "bin", "claude.exe"));
    }

    /// <summary>Requires the official MCP SDK, which <c>sdk.mjs</c> uses.</summary>
    public static void RequireSdk() => Installed("@modelcontextprotocol/sdk/package.json");

    private static string Installed(string file)
    {
        var path = Path.Combine(Folder, "node_modules", file);
        Requires.That(
            File.Exists(path),
            $"{path} is missing; run `npm --prefix tests/clients ci`, which needs the npm registry"
        );
        return path;
    }

    private static string Root()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder)!)
        {
            if (File.Exists(Path.Combine(folder, "Hive.sln")))
                return folder;
        }
    }
}
