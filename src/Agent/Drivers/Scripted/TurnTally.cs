namespace Hive.Agent.Drivers.Scripted;

/// <summary>The figures of one turn of a script: its tool calls, and what the script reports as usage.</summary>
internal sealed class TurnTally
{
    private readonly SortedDictionary<string, long> calls = new(StringComparer.Ordinal);

    /// <summary>The model and tokens that the script reports.</summary>
    public TurnFigures Usage { get; set; } = new();

    public TurnFigures Figures =>
        calls.Count == 0 ? Usage : Usage with { ToolCallCount = calls.Values.Sum(), ToolCalls = calls };

    public void Count(string tool) => calls[tool] = calls.GetValueOrDefault(tool) + 1;
}
