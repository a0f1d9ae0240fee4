namespace Hive.Protocol;

/// <summary>One pending reminder, as every door shows it.</summary>
/// <param name="Id">Given once, never again.</param>
/// <param name="Agent">Who set it and will get it.</param>
/// <param name="Message">Its text, whole.</param>
/// <param name="FileRefs">Path tokens of the text and its file, as far as they named a readable file when it was set
/// (contract section 7).</param>
/// <param name="CreatedAt">When it was set.</param>
/// <param name="DueAt">When it is due, by the wall clock.</param>
/// <param name="AttemptCount">How often its delivery has failed since it was set or retried.</param>
/// <param name="FilePath">The file that the text goes to, in place of the inbox.</param>
/// <param name="LastError">What the last attempt failed with.</param>
/// <param name="NextAttemptAt">When the next attempt is; absent before the first failure, and once there will be
/// none.</param>
public sealed record ReminderView(
    long Id,
    string Agent,
    string Message,
    IReadOnlyList<string> FileRefs,
    DateTimeOffset CreatedAt,
    DateTimeOffset DueAt,
    int AttemptCount,
    string? FilePath = null,
    string? LastError = null,
    DateTimeOffset? NextAttemptAt = null
);
