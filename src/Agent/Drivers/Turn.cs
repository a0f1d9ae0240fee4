using System.Text.Json;
using Hive.Agent.Drivers.Scripted;
using Hive.Protocol;

namespace Hive.Agent.Drivers;

/// <summary>A turn as a driver gets it.</summary>
/// <param name="Id">The id from the host.</param>
/// <param name="Number">The first turn of this process is 1.</param>
/// <param name="Messages">Its messages, oldest first, never empty.</param>
/// <param name="Waiting">The number of further messages that wait.</param>
internal sealed record Turn(long Id, long Number, IReadOnlyList<Message> Messages, long Waiting = 0)
{
    private const int WakeFromBytes = 100;

    /// <summary>The senders that woke the agent.</summary>
    public string WakeFrom { get; } = WakeFromOf(Messages);

    public bool Redelivered => Messages.Any(m => m.Redelivered == true);

    /// <summary>The ticket that the turn is about: that of its newest task, else of its newest answer, else of its
    /// newest other event; null when none names a ticket.</summary>
    /// <param name="ofQuestion">The ticket whose conversation asked a question; null when that is not known.</param>
    public long? TicketOf(Func<long, long?> ofQuestion) =>
        Newest(m => NumberOf(m, "ticket", "task_assigned"))
        ?? Newest(m => NumberOf(m, "question_id", "question_answered") is { } question ? ofQuestion(question) : null)
        ?? Newest(m => NumberOf(m, "ticket"));

    public static string WakeFromOf(IReadOnlyList<Message> messages) =>
        WireText.Cut(string.Join(',', messages.Select(m => m.From).Distinct()), WakeFromBytes);

    private long? Newest(Func<Message, long?> ticket) => Messages.Select(ticket).LastOrDefault(of => of is not null);

    private static long? NumberOf(Message message, string member, string? ofEvent = null) =>
        SystemEvent.Of(message) is { } told
        && (ofEvent ?? told.Name) == told.Name
        && told.Members.TryGetValue(member, out var value)
        && value.ValueKind == JsonValueKind.Number
        && value.TryGetInt64(out var number)
            ? number
            : null;
}

/// <summary>How a turn ended.</summary>
/// <param name="Result">
/// <c>ok</c>, <c>failed</c>, <c>prompt_too_long</c>, <c>cancelled</c> or <c>rate_limited</c>.
/// </param>
/// <param name="Note">The reason when the result is not ok.</param>
internal sealed record TurnOutcome(string Result, string? Note = null)
{
    public static TurnOutcome Ok { get; } = new("ok");

    /// <summary>The turn's figures, as far as the driver knows them.</summary>
    public TurnFigures Figures { get; init; } = new();

    /// <summary>How long no turn can succeed.</summary>
    public TimeSpan? Pause { get; init; }

    /// <summary>Whether no turn can succeed without a login.</summary>
    public bool LoginLost { get; init; }

    public static TurnOutcome Failed(string note) => new("failed", note);

    public static TurnOutcome Cancelled(string note) => new("cancelled", note);
}

/// <summary>The figures of a turn, sent to the host by these names with <c>end_turn</c> (docs/turns.md).</summary>
internal sealed record TurnFigures
{
    public string? Model { get; init; }

    public long? InputTokens { get; init; }

    public long? OutputTokens { get; init; }

    public long? CacheReadInputTokens { get; init; }

    public long? CacheCreationInputTokens { get; init; }

    public long? LastInputTokens { get; init; }

    public long? LastOutputTokens { get; init; }

    public long? LastCacheReadInputTokens { get; init; }

    public long? LastCacheCreationInputTokens { get; init; }

    public long? ToolCallCount { get; init; }

    public IReadOnlyDictionary<string, long>? ToolCalls { get; init; }

    public double? CostUsd { get; init; }
}
