using System.Reflection;

namespace Hive.Protocol;

/// <summary>The version of this build.</summary>
public static class HiveVersion
{
    /// <summary>The version, such as <c>0.1.0</c>.</summary>
    public static string Text { get; } =
        typeof(HiveVersion)
            .Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()!
            .InformationalVersion.Split('+')[0];
}
