using Hive.Common.Doors;

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
/// <param name="Configured">The tasks it can take by its configuration; null for none.</param>
/// <param name="Override">The operator's changes of that; null for none.</param>
/// <param name="CapacityDelta">How many tasks more or fewer than its capacity it takes for now.</param>
/// <param name="Held">Why the host gives it no new messages, such as a budget that is used up; null when it does. The
/// pause is the operator's.</param>
/// <param name="CreatedAt">When it was created.</param>
internal sealed record AgentEntry(
    string Name,
    string Runtime,
    bool Paused = false,
    IReadOnlyList<string>? Recipients = null,
    string? ActiveModel = null,
    string? StatusText = null,
    DateTimeOffset? StatusSetAt = null,
    DateTimeOffset? PausedAt = null,
    AgentWork? Configured = null,
    WorkOverride? Override = null,
    int CapacityDelta = 0,
    string? Held = null,
    DateTimeOffset? CreatedAt = null
)
{
    /// <summary>True for the one manager.</summary>
    public bool IsManager => Name == Principals.Manager;

    /// <summary>True when it receives new messages and begins turns: neither the operator nor the host stops
    /// it.</summary>
    public bool MayReceive => !Paused && Held is null;

    /// <summary><c>manager</c> or <c>agent</c>.</summary>
    public string Role => IsManager ? "manager" : "agent";

    /// <summary>The tasks it can take: its configuration with the operator's changes.</summary>
    public AgentWork Work => Override?.Over(Configured ?? AgentWork.None) ?? Configured ?? AgentWork.None;

    /// <summary>Its part in the work on tickets; the manager's follows from its name, whatever it is configured
    /// with.</summary>
    public Duty Duty => IsManager ? Duty.Manager : Work.Duty;

    /// <summary>True when tasks can be given to it.</summary>
    public bool TakesTasks => Duty is Duty.Worker or Duty.Validator;

    /// <summary>How many tasks it takes at once now.</summary>
    public int Capacity => Math.Max(0, Work.Capacity + CapacityDelta);

    /// <summary>True when the agent runs without a file system of its own, so that it sees host paths.</summary>
    public bool SeesHostPaths => Runtime is "process" or "external";

    /// <summary>True when its configuration lets it write to <paramref name="recipient"/>; the manager is always
    /// allowed.</summary>
    public bool MayWriteTo(string recipient) =>
        Recipients is null || recipient == Principals.Manager || Recipients.Contains(recipient);
}
