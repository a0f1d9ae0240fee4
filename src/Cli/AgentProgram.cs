namespace Hive.Cli;

/// <summary>Where the harness is, whose MCP server an agent's own tool starts; seen from the command's own
/// place.</summary>
internal static class AgentProgram
{
    private const string Name = "hive-agent";

    public static string Find()
    {
        var here = AppContext.BaseDirectory.TrimEnd(Path.DirectorySeparatorChar);
        // Installed, it lies beside; built, in artifacts/agent, seen from artifacts/bin/<project>/<configuration>.
        string[] places =
        [
            Path.Combine(here, "agent", Name),
            Path.GetFullPath(Path.Combine(here, "..", "..", "..", "agent", Name)),
        ];
        return places.FirstOrDefault(File.Exists)
            ?? throw new UsageException(
                $"{Name} is neither at {string.Join(" nor at ", places)}: build it with `./hive version`"
            );
    }
}
