using System.Reflection;

namespace Hive.Agent;

/// <summary>The version that this program reports to the host and to MCP clients.</summary>
internal static class AgentVersion
{
    public static string Text { get; } =
        typeof(AgentVersion)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];
}
