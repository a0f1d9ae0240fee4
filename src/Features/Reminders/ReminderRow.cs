using System.Text.Json;
using Hive.Protocol;

namespace Hive.Features.Reminders;

/// <summary>A row of <c>reminders</c>, read with <see cref="Columns"/>.</summary>
internal sealed record ReminderRow
{
    public const string Columns =
        "id, agent, message, file_path, created_at, due_at, attempt_count, last_error, next_attempt_at, file_refs";

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string Message { get; init; }

    public string? FilePath { get; init; }

    public required long CreatedAt { get; init; }

    public required long DueAt { get; init; }

    public required long AttemptCount { get; init; }

    public string? LastError { get; init; }

    public long? NextAttemptAt { get; init; }

    public string? FileRefs { get; init; }

    /// <summary>The row as clients see it.</summary>
    public ReminderView ToView() =>
        new(
            Id,
            Agent,
            Message,
            FileRefs is null ? [] : JsonSerializer.Deserialize<string[]>(FileRefs, WireJson.Options)!,
            Instant(CreatedAt),
            Instant(DueAt),
            (int)AttemptCount,
            FilePath,
            LastError,
            NextAttemptAt is { } next ? Instant(next) : null
        );

    private static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
