using Hive.Protocol;

namespace Hive.Agent.Drivers;

/// <param name="Id">As the host gave it.</param>
/// <param name="Number">The first turn of this process is 1.</param>
/// <param name="Messages">What it is about, oldest first, never empty.</param>
internal sealed record Turn(long Id, long Number, IReadOnlyList<Message> Messages)
{
    private const int WakeFromBytes = 100;

    /// <summary>Who woke the agent.</summary>
    public string WakeFrom { get; } = WakeFromOf(Messages);

    public static string WakeFromOf(IReadOnlyList<Message> messages) => WireText.Cut(string.Join(',', messages.Select(m => m.From).Distinct()), WakeFromBytes);
}

/// <summary>How a turn ended. Its members go to the host with <c>end_turn</c> as they are.</summary>
/// <param name="Result"><c>ok</c>, <c>failed</c> or <c>cancelled</c>.</param>
/// <param name="Note">Why, when it is not ok.</param>
internal sealed record TurnOutcome(string Result, string? Note = null)
{
    public static TurnOutcome Ok { get; } = new("ok");

    public static TurnOutcome Failed(string note) => new("failed", note);

    public static TurnOutcome Cancelled(string note) => new("cancelled", note);
}
