using System.Reflection;

namespace Hive.Agent.Drivers;

/// <summary>The name by which settings ask for a driver.</summary>
[AttributeUsage(AttributeTargets.Class)]
internal sealed class DriverAttribute(string name) : Attribute
{
    public string Name { get; } = name;
}

/// <summary>Finds drivers by their attribute, so that a new one changes nothing but its own folder.</summary>
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

    /// <summary>
    /// What <c>auto</c> stands for: the rules of a script where there is one, else Claude Code where it is installed.
    /// </summary>
    public const string Auto = "auto";

    public static string Names => string.Join(", ", Types.Keys);

    /// <summary>
    /// The settings, with a driver that there is in place of <see cref="Auto"/>, also of one chosen for it earlier.
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

    /// <exception cref="FormatException">Its configuration is wrong.</exception>
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
