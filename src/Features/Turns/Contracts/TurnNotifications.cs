using Hive.Common.Notifications;
using MediatR;

namespace Hive.Features.Turns.Contracts;

/// <summary>Raised when a turn ended, whatever its result.</summary>
internal sealed record TurnEnded(TurnView Turn) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("turn_ended", "turn", Turn);
}

/// <summary>Raised when what a harness says of an agent, or what the operator wants of it, changes its row.</summary>
internal sealed record HarnessChanged(string Agent) : IAgentRowNotification;

/// <summary>Raised when events of an agent were stored, in their order.</summary>
internal sealed record AgentEventsStored(string Agent, IReadOnlyList<StoredEvent> Events) : INotification;

/// <summary>An event that is stored.</summary>
/// <param name="Id">Given once.</param>
/// <param name="Payload">What was emitted: a JSON object without an <c>id</c>.</param>
internal sealed record StoredEvent(long Id, string Payload);
