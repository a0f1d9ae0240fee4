using MediatR;

namespace Hive.Features.Messages.Contracts;

/// <summary>Raised when the messages of a purged agent were deleted.</summary>
/// <param name="Agent">The agent that they were for.</param>
/// <param name="Parked">The ids of those that were parked.</param>
internal sealed record MessagesDeleted(string Agent, IReadOnlyList<long> Parked) : INotification;
