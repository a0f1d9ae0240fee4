namespace Hive.Features.Making;

/// <summary>The drivers that an agent can have.</summary>
internal static class Drivers
{
    public const string Claude = "claude",
        Command = "command",
        Scripted = "scripted";

    public static readonly string[] All = [Claude, Command, Scripted];
}

/// <summary>A driver, and whether this machine has its program.</summary>
/// <param name="Name">The word in <c>agent.yaml</c>.</param>
/// <param name="Found">The program works on this machine, and new agents have it.</param>
/// <param name="Version">The program's version.</param>
/// <param name="Models">Models that it is known to have; others may work, too.</param>
/// <param name="Hint">What the driver does, or what is missing.</param>
internal sealed record DriverView(
    string Name,
    bool Found,
    IReadOnlyList<string> Models,
    string? Version = null,
    string? Hint = null
);

/// <summary>An example of a role.</summary>
/// <param name="Name">The word that stands for it where a role is asked for.</param>
/// <param name="Title">Its title.</param>
/// <param name="Text">The prompt.</param>
internal sealed record ExampleRole(string Name, string Title, string Text);
