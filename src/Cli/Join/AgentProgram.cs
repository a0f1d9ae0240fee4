namespace Hive.Cli.Join;

/// <summary>Finds the harness, whose MCP server a client starts.</summary>
internal static class AgentProgram
{
    private const string Name = "hive-agent";

    public static string Find()
    {
        var here = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        // Installed, it is in the folder beside; built, it is in artifacts/agent.
        string[] places =
        [
            Path.Combine(here, "agent", Name),
            Path.GetFullPath(Path.Combine(here, "..", "..", "..", "agent", Name)),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new UsageException(
                $"{Name} not found at {string.Join(" or ", places)}; build it with `./hive version`"
            );
    }
}
