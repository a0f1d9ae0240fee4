namespace Hive.Protocol;

/// <summary>Messages that were deleted: all that every given member fits.</summary>
/// <param name="To">Their recipient.</param>
/// <param name="UpTo">The highest id.</param>
/// <param name="AckedBefore">They were acknowledged before.</param>
public sealed record RemovedMessages(string? To = null, long? UpTo = null, DateTimeOffset? AckedBefore = null);
