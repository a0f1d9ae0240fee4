namespace Hive.Features.Turns.Contracts;

/// <summary>One turn of an agent, with its figures.</summary>
internal sealed record TurnView : TurnFigures
{
    internal TurnView(TurnFigures figures)
        : base(figures) { }

    /// <summary>Unique among all turns.</summary>
    public required long Id { get; init; }

    /// <summary>Whose turn.</summary>
    public required string Agent { get; init; }

    /// <summary>The sender of the message that woke the agent.</summary>
    public required string WakeFrom { get; init; }

    /// <summary><c>ok</c>, <c>failed</c>, <c>prompt_too_long</c>, <c>cancelled</c>, <c>rate_limited</c> or
    /// <c>lost</c>.</summary>
    public string? Result { get; init; }

    /// <summary>The error, when there was one.</summary>
    public string? Note { get; init; }

    /// <summary>When it began; by the host's clock if the harness did not say.</summary>
    public DateTimeOffset? StartedAt { get; init; }

    /// <summary>When it ended; by the host's clock if the harness did not say.</summary>
    public DateTimeOffset? EndedAt { get; init; }

    /// <summary>By the price table; absent for a model that is not in it.</summary>
    public double? CostUsd { get; init; }

    /// <summary>As the agent's tool reports it.</summary>
    public double? ReportedCostUsd { get; init; }
}
