using Hive.Common.Notifications;
using MediatR;

namespace Hive.Features.Turns.Contracts;

/// <summary>Raised when a turn ended, whatever its result.</summary>
internal sealed record TurnEnded(TurnView Turn) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("turn_ended", "turn", Turn);
}

/// <summary>Raised when a report of a harness, or a model override, changes the agent's row, and when a rate limit
/// begins or ends.</summary>
internal sealed record HarnessChanged(string Agent) : IAgentRowNotification;

/// <summary>Raised when events of an agent were stored, in order.</summary>
internal sealed record AgentEventsStored(string Agent, IReadOnlyList<StoredEvent> Events) : INotification;

/// <summary>A stored event.</summary>
/// <param name="Id">Unique among all events.</param>
/// <param name="Payload">The emitted JSON object, without an <c>id</c>.</param>
internal sealed record StoredEvent(long Id, string Payload);
