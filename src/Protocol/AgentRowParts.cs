using System.Text.Json.Serialization;

namespace Hive.Protocol;

/// <summary>The parts that slices add to an agent's row, by slice. Two are equal when all members are equal.</summary>
public sealed record AgentRowParts
{
    /// <summary>The slices' parts.</summary>
    [JsonExtensionData]
    public Dictionary<string, object> Members { get; init; } = [];

    /// <inheritdoc />
    public bool Equals(AgentRowParts? other) =>
        other is not null
        && other.Members.Count == Members.Count
        && Members.All(m => other.Members.TryGetValue(m.Key, out var value) && m.Value.Equals(value));

    /// <inheritdoc />
    public override int GetHashCode() => Members.Count;
}
