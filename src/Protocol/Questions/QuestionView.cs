namespace Hive.Protocol;

/// <summary>One question, as every door shows it.</summary>
/// <param name="Id">The id; never reused.</param>
/// <param name="Asker">The agent that asked.</param>
/// <param name="Question">At most <see cref="Limits.BodyBytes"/> bytes of UTF-8.</param>
/// <param name="QuestionRefs">Path tokens of the question that name a readable file (docs/protocol.md).</param>
/// <param name="Options">The choices; any other text is an answer too.</param>
/// <param name="Multi">Several options may be chosen; the answer then joins them by <c>", "</c>.</param>
/// <param name="AskedAt">When it was stored.</param>
/// <param name="AnswerRefs">Path tokens of the answer that name a readable file; empty while there is no
/// answer.</param>
/// <param name="Target">The agent that is asked; absent for the operator.</param>
/// <param name="DeadlineAt">When it expires with the answer <c>[expired]</c>; absent for no time limit.</param>
/// <param name="Answer">The answer; absent while the question is pending.</param>
/// <param name="Answerer">Who answered: an agent, <c>operator</c>, <c>ttl-watchdog</c> or <c>system</c>.</param>
/// <param name="AnsweredAt">When it was answered.</param>
public sealed record QuestionView(
    long Id,
    string Asker,
    string Question,
    IReadOnlyList<string> QuestionRefs,
    IReadOnlyList<string> Options,
    bool Multi,
    DateTimeOffset AskedAt,
    IReadOnlyList<string> AnswerRefs,
    string? Target = null,
    DateTimeOffset? DeadlineAt = null,
    string? Answer = null,
    string? Answerer = null,
    DateTimeOffset? AnsweredAt = null
);
