using System.Reflection;

namespace Hive.Agent.Drivers;

/// <summary>Names a driver for <c>driver</c> in agent.yaml.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class DriverAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>Finds drivers by their attribute, so that a new driver needs only its own folder.</summary>
internal static class DriverCatalog
{
    private static readonly SortedDictionary<string, Type> Types = new(
        typeof(DriverCatalog)
            .Assembly.GetTypes()
            .Select(type => (type, name: type.GetCustomAttribute<DriverAttribute>()?.Name))
            .Where(found => found.name is not null)
            .ToDictionary(found => found.name!, found => found.type),
        StringComparer.Ordinal
    );

    /// <summary>Chooses the driver: scripted when there is a script, else Claude Code when it is installed.</summary>
    public const string Auto = "auto";

    public static string Names => string.Join(", ", Types.Keys);

    /// <summary>
    /// The settings with a chosen driver in place of <see cref="Auto"/>, or of a driver that was chosen for it earlier.
    /// </summary>
    public static AgentSettings Choose(AgentSettings settings) =>
        settings.Driver != Auto && !settings.IsDriverChosen
            ? settings
            : settings with
            {
                Driver =
                    !File.Exists(settings.ScriptPath) && Children.Child.Find("claude") is not null
                        ? "claude"
                        : AgentSettings.DefaultDriver,
                IsDriverChosen = true,
            };

    public static bool Knows(string name) => Types.ContainsKey(name);

    /// <exception cref="FormatException">Its configuration is invalid.</exception>
    public static IDriver Create(string name, DriverContext context) =>
        (IDriver)
            Activator.CreateInstance(
                Types[name],
                BindingFlags.Instance | BindingFlags.Public | BindingFlags.NonPublic | BindingFlags.DoNotWrapExceptions,
                null,
                [context],
                null
            )!;
}
