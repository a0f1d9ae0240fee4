using Hive.Features.Messages.Contracts;

namespace Hive.Features.Turns;

/// <summary>The results of turns, and what each means for the messages that the turn held.</summary>
internal static class TurnResult
{
    /// <summary>The turn did what it was to do; its messages are acknowledged.</summary>
    public const string Ok = "ok";

    /// <summary>The turn failed; its messages are nacked.</summary>
    public const string Failed = "failed";

    /// <summary>The prompt was longer than the model takes; its messages are nacked.</summary>
    public const string PromptTooLong = "prompt_too_long";

    /// <summary>The operator ended it; its messages are parked (docs/adr/0088).</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The model's provider asks for a pause or a login, or the agent was stopped during the turn; its
    /// messages are requeued, and that does not count against them (docs/adr/0061).</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The turn's process ended, so nobody reported its end; only the host sets this result.</summary>
    public const string Lost = ITurnHolds.Lost;

    /// <summary>The results that a harness can report.</summary>
    public static readonly string[] Reported = [Ok, Failed, PromptTooLong, Cancelled, RateLimited];

    private const string CancelledByOperator = "cancelled by the operator";

    /// <summary>True for the results that count as failures in figures.</summary>
    public static bool IsFailure(string result) => result is Failed or PromptTooLong or Lost;

    /// <summary>The outcome of a turn's messages.</summary>
    /// <param name="result">The turn's result.</param>
    /// <param name="note">What was said of it.</param>
    /// <param name="delaySeconds">The pause before they come again.</param>
    /// <param name="noFault">The host ended the turn for a reason that is not theirs: nothing counts against
    /// them.</param>
    public static LeaseOutcome OutcomeOf(string result, string? note, long? delaySeconds, bool noFault)
    {
        return result switch
        {
            Ok => LeaseOutcome.Ack(result),
            RateLimited => Nack(Blame.None, result),
            _ when noFault => Nack(Blame.None, result),
            Cancelled => Nack(Blame.Parks, CancelledByOperator),
            _ => Nack(Blame.Counts, result),
        };

        LeaseOutcome Nack(Blame blame, string reason) =>
            LeaseOutcome.Nack(result, blame, delaySeconds, note ?? reason) with
            {
                IsExcused = noFault,
            };
    }
}
