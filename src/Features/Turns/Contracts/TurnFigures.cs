using Hive.Common.Doors;

namespace Hive.Features.Turns.Contracts;

/// <summary>The figures of a turn, as its harness reports them, as they are stored and as they are shown; those that
/// were not reported are null.</summary>
internal abstract record TurnFigures
{
    /// <summary>No figures at all.</summary>
    public static TurnFigures None { get; } = new Unreported();

    /// <summary>As the agent's tool names it.</summary>
    public string? Model { get; init; }

    /// <summary>How long the turn took, by a monotonic clock.</summary>
    public long? DurationMs { get; init; }

    /// <summary>Of the whole turn.</summary>
    public long? InputTokens { get; init; }

    /// <summary>Of the whole turn.</summary>
    public long? OutputTokens { get; init; }

    /// <summary>Of the whole turn.</summary>
    public long? CacheReadInputTokens { get; init; }

    /// <summary>Of the whole turn.</summary>
    public long? CacheCreationInputTokens { get; init; }

    /// <summary>Of the last call to the model.</summary>
    public long? LastInputTokens { get; init; }

    /// <summary>Of the last call to the model.</summary>
    public long? LastOutputTokens { get; init; }

    /// <summary>Of the last call to the model.</summary>
    public long? LastCacheReadInputTokens { get; init; }

    /// <summary>Of the last call to the model.</summary>
    public long? LastCacheCreationInputTokens { get; init; }

    /// <summary>How many tool calls.</summary>
    public long? ToolCallCount { get; init; }

    /// <summary>How many calls of each tool.</summary>
    [AnyNames]
    public IReadOnlyDictionary<string, long>? ToolCalls { get; init; }

    /// <summary>After the turn.</summary>
    public long? OpenLooseEndsCount { get; init; }

    /// <summary>After the turn.</summary>
    public long? OpenRemindersCount { get; init; }

    private sealed record Unreported : TurnFigures;
}
