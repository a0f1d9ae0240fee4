namespace Hive.Features.Agents.Contracts;

/// <summary>One agent of the roster. Immutable: a change replaces the entry.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Runtime">The kind of its container, such as <c>sandbox</c>, <c>podman</c> or <c>external</c>.</param>
/// <param name="Paused">It receives no new messages.</param>
/// <param name="Recipients">The names it may write to besides the manager; null for everybody.</param>
/// <param name="ActiveModel">The model its driver uses.</param>
/// <param name="StatusText">Its status text.</param>
/// <param name="StatusSetAt">When it set its status text.</param>
/// <param name="PausedAt">When it was paused.</param>
internal sealed record AgentEntry(
    string Name,
    string Runtime,
    bool Paused = false,
    IReadOnlyList<string>? Recipients = null,
    string? ActiveModel = null,
    string? StatusText = null,
    DateTimeOffset? StatusSetAt = null,
    DateTimeOffset? PausedAt = null
)
{
    /// <summary>True for the one manager.</summary>
    public bool IsManager => Name == Principals.Manager;

    /// <summary><c>manager</c> or <c>agent</c>.</summary>
    public string Role => IsManager ? "manager" : "agent";

    /// <summary>True when the agent runs without a file system of its own, so that it sees host paths.</summary>
    public bool SeesHostPaths => Runtime is "process" or "external";

    /// <summary>True when its configuration lets it write to <paramref name="recipient"/>; the manager is always
    /// allowed.</summary>
    public bool MayWriteTo(string recipient) =>
        Recipients is null || recipient == Principals.Manager || Recipients.Contains(recipient);
}
