using Hive.Common.Doors;

namespace Hive.Features.Agents.Contracts;

/// <summary>The tasks that an agent can take.</summary>
/// <param name="Duty">Its part in the work on tickets; <see cref="Duty.None"/>, <see cref="Duty.Worker"/> or
/// <see cref="Duty.Validator"/>.</param>
/// <param name="Capabilities">The abilities that tasks can require, normalised.</param>
/// <param name="Capacity">How many tasks it takes at once.</param>
/// <param name="Phases">The phases whose tasks it takes; null for all.</param>
/// <param name="Tags">Words to find it by, normalised; tasks cannot require them.</param>
internal sealed record AgentWork(
    Duty Duty,
    IReadOnlyList<string> Capabilities,
    int Capacity,
    IReadOnlyList<string>? Phases,
    IReadOnlyList<string> Tags
)
{
    /// <summary>The most tasks at once.</summary>
    public const int MaxCapacity = 16;

    /// <summary>The work of an agent whose configuration says nothing about it: none.</summary>
    public static AgentWork None { get; } = new(Duty.None, [], 1, null, []);

    /// <summary>True when it takes tasks of that phase.</summary>
    public bool Takes(string phase) => Phases is null || Phases.Contains(phase);

    /// <summary>True when it has all of the capabilities.</summary>
    /// <param name="required">Normalised.</param>
    public bool Covers(IEnumerable<string> required) => required.All(Capabilities.Contains);

    /// <summary>Compares the lists by their entries.</summary>
    public bool Equals(AgentWork? other) =>
        other is not null
        && (Duty, Capacity) == (other.Duty, other.Capacity)
        && Capabilities.SequenceEqual(other.Capabilities)
        && Tags.SequenceEqual(other.Tags)
        && (Phases is null ? other.Phases is null : other.Phases is not null && Phases.SequenceEqual(other.Phases));

    /// <inheritdoc />
    public override int GetHashCode() => HashCode.Combine(Duty, Capacity, Capabilities.Count, Tags.Count);
}

/// <summary>The operator's changes of an agent's <see cref="AgentWork"/>, which win over its configuration until they
/// are cleared; null leaves a member as configured.</summary>
/// <param name="Duty">Replaces the duty.</param>
/// <param name="Capabilities">Replaces the capabilities.</param>
/// <param name="Capacity">Replaces the capacity.</param>
/// <param name="Phases">Replaces the phases; empty for all.</param>
/// <param name="Tags">Replaces the tags.</param>
internal sealed record WorkOverride(
    Duty? Duty = null,
    IReadOnlyList<string>? Capabilities = null,
    int? Capacity = null,
    IReadOnlyList<string>? Phases = null,
    IReadOnlyList<string>? Tags = null
)
{
    /// <summary>The configured work with these changes.</summary>
    public AgentWork Over(AgentWork configured) =>
        new(
            Duty ?? configured.Duty,
            Capabilities ?? configured.Capabilities,
            Capacity ?? configured.Capacity,
            Phases is null ? configured.Phases
                : Phases is [] ? null
                : Phases,
            Tags ?? configured.Tags
        );
}
