using MediatR;

namespace Hive.Features.Waiting.Contracts;

/// <summary>Raised when the operator snoozed a row or marked it as seen, or took that back.</summary>
/// <param name="Key">The row's key.</param>
/// <param name="Version">The version of the thing that the mark is about.</param>
/// <param name="SnoozedUntilAt">When a snoozed row comes back.</param>
/// <param name="IsSeen">The row has left the list.</param>
internal sealed record WaitingMarked(string Key, long Version, DateTimeOffset? SnoozedUntilAt, bool IsSeen)
    : INotification;
