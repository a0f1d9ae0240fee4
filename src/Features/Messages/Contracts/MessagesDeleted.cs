using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Messages.Contracts;

/// <summary>Raised when the messages of a purged agent were deleted.</summary>
/// <param name="Agent">The agent that they were for.</param>
/// <param name="Newest">The id of the newest message that there was.</param>
/// <param name="Parked">The ids of those that were parked.</param>
internal sealed record MessagesDeleted(string Agent, long Newest, IReadOnlyList<long> Parked) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() =>
        new("messages_removed", "removed", new RemovedMessages(To: Agent, UpTo: Newest));
}

/// <summary>Raised when old messages were deleted.</summary>
/// <param name="AckedBefore">All that were acknowledged before are deleted.</param>
internal sealed record OldMessagesDeleted(DateTimeOffset AckedBefore) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() =>
        new("messages_removed", "removed", new RemovedMessages(AckedBefore: AckedBefore));
}
