using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>Raised for each step of a message's life.</summary>
/// <param name="Kind"><c>sent</c>, <c>delivered</c>, <c>acked</c>, <c>requeued</c>, <c>parked</c> or
/// <c>dropped</c>.</param>
/// <param name="Message">The message after the step.</param>
internal sealed record MessageChanged(string Kind, Message Message) : IDashboardNotification, IAgentRowNotification
{
    /// <inheritdoc />
    public string Agent => Message.To;

    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new(Kind, "message", EventSentence.With(Message));
}
