using System.Data.Common;
using FluentValidation;
using Hive.Common.Errors;
using Hive.Common.Storage;

namespace Hive.Features.Messages.Contracts;

/// <summary>Ends turns as part of another slice's write.</summary>
internal interface ITurnEnds
{
    /// <summary>
    /// A good turn acks all it held, any other gives it back. Ending it again changes nothing and answers the same. One
    /// that was given up before this was told
    /// is ended now: what it held and nobody was given since is dealt with as if it had been held until now.
    /// </summary>
    /// <exception cref="Problem">Code <c>not_found</c>: the agent has no such turn.</exception>
    EndedTurn End(IWrite write, string agent, long turn, string result, string? note, long? delaySeconds);

    /// <summary>
    /// Messages that one write changes at most, so that nobody waits longer than 10 ms for it: one takes about 5 us
    /// (600,000 at once held up every other caller for 2.9 s).
    /// </summary>
    const int Piece = 500;

    /// <summary>
    /// What a turn holds, if that is too much for the write that ends it: whoever ends it first gives this to
    /// <see cref="EndPiece"/>, a piece and a write at a time. Inside a write.
    /// </summary>
    /// <returns>Empty when <see cref="End"/> can deal with all of it.</returns>
    IReadOnlyList<long> HeldByLargeTurn(string agent, long turn);

    /// <summary>Deals with some of what a turn holds as its end would.</summary>
    void EndPiece(
        IWrite write,
        string agent,
        long turn,
        IReadOnlyList<long> ids,
        string result,
        string? note,
        long? delaySeconds
    );

    /// <summary>When a turn of the agent's began; null when it has no such turn.</summary>
    DateTimeOffset? StartedAt(DbConnection db, string agent, long turn);
}

/// <summary>Told within the write of turns that are given up because nobody works on them any more; filled by the slice
/// that counts turns.</summary>
internal interface ILostTurns
{
    /// <summary>A turn is over, though nobody has said how it ended.</summary>
    void Add(IWrite write, EndedTurn turn);
}

/// <summary>A turn that is over.</summary>
/// <param name="Id">Its number.</param>
/// <param name="Agent">Whose.</param>
/// <param name="WakeFrom">Who or what woke the agent.</param>
/// <param name="StartedAt">When it began, by the host's clock.</param>
/// <param name="EndedAt">When its end was told, by the host's clock.</param>
/// <param name="Result">One of <see cref="TurnResult"/>.</param>
/// <param name="Note">The error, when there was one.</param>
/// <param name="Acked">How many messages it dealt with.</param>
/// <param name="Requeued">How many come again.</param>
/// <param name="Parked">How many were set aside.</param>
/// <param name="IsNews">False when this end was told before.</param>
internal sealed record EndedTurn(
    long Id,
    string Agent,
    string WakeFrom,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    string Result,
    string? Note,
    int Acked,
    int Requeued,
    int Parked,
    bool IsNews
);

/// <summary>How a turn can end.</summary>
internal static class TurnResult
{
    /// <summary>It did what it was to do.</summary>
    public const string Ok = "ok";

    /// <summary>It did not.</summary>
    public const string Failed = "failed";

    /// <summary>Its prompt was more than the model takes.</summary>
    public const string PromptTooLong = "prompt_too_long";

    /// <summary>The operator ended it; its messages are parked.</summary>
    public const string Cancelled = "cancelled";

    /// <summary>The model's provider wants a pause, or a login, or the agent was stopped in the middle of it; that does
    /// not count against the messages.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>Its process ended, so that nobody told its end; only the host says so.</summary>
    public const string Lost = "lost";

    /// <summary>Those that a harness may tell.</summary>
    public static readonly string[] Told = [Ok, Failed, PromptTooLong, Cancelled, RateLimited];
}

/// <summary>The rule of how long a message may be kept waiting by who gives it back.</summary>
internal static class DelayRules
{
    private const long MaxSeconds = 86_400;

    /// <summary>0 to a day. Null passes.</summary>
    public static IRuleBuilderOptions<T, long?> MustBeDelay<T>(this IRuleBuilder<T, long?> rule) =>
        rule.InclusiveBetween(0, MaxSeconds).WithMessage($"'delay_seconds' must be 0 to {MaxSeconds} (a day)");
}
