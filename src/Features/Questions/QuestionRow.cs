using System.Text.Json;
using Hive.Protocol;

namespace Hive.Features.Questions;

/// <summary>A row of <c>questions</c>, read with <see cref="Columns"/>.</summary>
internal sealed record QuestionRow
{
    public const string Columns =
        "id, asker, target, question, question_refs, options, multi, asked_at, deadline_at, answer, answerer, "
        + "answered_at, answer_refs";

    private static readonly IReadOnlyList<string> None = [];

    public required long Id { get; init; }

    public required string Asker { get; init; }

    public string? Target { get; init; }

    public required string Question { get; init; }

    public required string QuestionRefs { get; init; }

    public required string Options { get; init; }

    public required long Multi { get; init; }

    public required long AskedAt { get; init; }

    public long? DeadlineAt { get; init; }

    public string? Answer { get; init; }

    public string? Answerer { get; init; }

    public long? AnsweredAt { get; init; }

    public required string AnswerRefs { get; init; }

    /// <summary>Serializes a list for its column.</summary>
    public static string Json(IReadOnlyList<string> texts) =>
        texts.Count == 0 ? "[]" : JsonSerializer.Serialize(texts, WireJson.Options);

    public QuestionView ToView() =>
        new(
            Id,
            Asker,
            Question,
            List(QuestionRefs),
            List(Options),
            Multi != 0,
            Instant(AskedAt),
            List(AnswerRefs),
            Target,
            DeadlineAt is { } deadline ? Instant(deadline) : null,
            Answer,
            Answerer,
            AnsweredAt is { } answered ? Instant(answered) : null
        );

    private static IReadOnlyList<string> List(string json) =>
        json == "[]" ? None : JsonSerializer.Deserialize<string[]>(json, WireJson.Options)!;

    private static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
