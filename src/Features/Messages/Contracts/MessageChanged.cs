using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>Raised for each step of a message's life.</summary>
/// <param name="Kind"><c>sent</c>, <c>delivered</c>, <c>acked</c>, <c>requeued</c>, <c>parked</c> or <c>dropped</c>.</param>
/// <param name="Message">The message as it is after the step.</param>
internal sealed record MessageChanged(string Kind, Message Message) : IDashboardNotification, IAgentRowNotification
{
    /// <inheritdoc />
    public string Agent => Message.To;

    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new(Kind, "message", Message, 300 + (2 * Message.Body.Length));
}

/// <summary>Raised when a turn ended, whatever its result.</summary>
internal sealed record TurnEnded(TurnView Turn) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("turn_ended", "turn", Turn);
}

/// <summary>One turn of an agent.</summary>
/// <param name="Id">Given once.</param>
/// <param name="Agent">Whose turn.</param>
/// <param name="WakeFrom">Who or what woke the agent.</param>
/// <param name="StartedAt">When it began.</param>
/// <param name="EndedAt">When it ended.</param>
/// <param name="Result"><c>ok</c>, <c>failed</c>, <c>prompt_too_long</c>, <c>cancelled</c> or <c>rate_limited</c>.</param>
/// <param name="Note">The error, when there was one.</param>
internal sealed record TurnView(long Id, string Agent, string WakeFrom, DateTimeOffset StartedAt, DateTimeOffset? EndedAt = null, string? Result = null, string? Note = null);
