namespace Hive.Protocol;

/// <summary>One pending reminder, as every door shows it.</summary>
/// <param name="Id">The id; never reused.</param>
/// <param name="Agent">The agent that set it and will receive it.</param>
/// <param name="Message">Its full text.</param>
/// <param name="FileRefs">Path tokens of the text and its file, as far as they named a readable file when it was set
/// (docs/protocol.md).</param>
/// <param name="CreatedAt">When it was set.</param>
/// <param name="DueAt">When it is due, by the wall clock.</param>
/// <param name="AttemptCount">How often its delivery has failed since it was set or retried.</param>
/// <param name="FilePath">The file that gets the text instead of the inbox.</param>
/// <param name="LastError">The error of the last attempt.</param>
/// <param name="NextAttemptAt">When the next attempt is; absent before the first failure, and after the last
/// attempt.</param>
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
