using Hive.Protocol;

namespace Hive.Runtimes;

/// <summary>The names of containers, which become parts of paths: an agent's name, or that of a trial.</summary>
internal static class ContainerName
{
    /// <summary>The name of a trial. No agent can have it.</summary>
    public const string Trial = "trial_";

    /// <summary>True for a name that Hive gives to a container.</summary>
    public static bool IsValid(string name) => name == Trial || AgentNameForm.Fits(name);

    /// <summary>Returns the name for use in a path.</summary>
    /// <exception cref="ArgumentException">It is not a name that Hive gives to a container.</exception>
    public static string Checked(string name) =>
        IsValid(name) ? name : throw new ArgumentException($"'{name}' is not the name of a container", nameof(name));
}
