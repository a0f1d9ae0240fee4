using System.Reflection;

namespace Hive.Agent;

/// <summary>What this program calls itself to the host and to MCP clients.</summary>
internal static class AgentVersion
{
    public static string Text { get; } =
        typeof(AgentVersion)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];
}
