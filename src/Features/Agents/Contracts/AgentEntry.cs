namespace Hive.Features.Agents.Contracts;

/// <summary>One agent of the roster. Never changed; a change puts a new entry in its place.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Runtime">What its container is: <c>sandbox</c>, <c>process</c>, <c>external</c>.</param>
/// <param name="Paused">It gets no new message.</param>
/// <param name="Recipients">Whom it may write to besides the manager; null for everybody.</param>
/// <param name="ActiveModel">The model its driver uses.</param>
/// <param name="StatusText">What it says of itself.</param>
/// <param name="StatusSetAt">When it said so.</param>
internal sealed record AgentEntry(
    string Name,
    string Runtime,
    bool Paused = false,
    IReadOnlyList<string>? Recipients = null,
    string? ActiveModel = null,
    string? StatusText = null,
    DateTimeOffset? StatusSetAt = null
)
{
    /// <summary>True for the one manager.</summary>
    public bool IsManager => Name == Principals.Manager;

    /// <summary><c>manager</c> or <c>agent</c>.</summary>
    public string Role => IsManager ? "manager" : "agent";

    /// <summary>True when nothing stands between the agent and the host's files, so that it sees host paths.</summary>
    public bool SeesHostPaths => Runtime is "process" or "external";

    /// <summary>True when its configuration lets it write to <paramref name="recipient"/>; the manager always may be
    /// written to.</summary>
    public bool MayWriteTo(string recipient) =>
        Recipients is null || recipient == Principals.Manager || Recipients.Contains(recipient);
}
