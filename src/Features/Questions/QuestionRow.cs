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

    public required string Question_refs { get; init; }

    public required string Options { get; init; }

    public required long Multi { get; init; }

    public required long Asked_at { get; init; }

    public long? Deadline_at { get; init; }

    public string? Answer { get; init; }

    public string? Answerer { get; init; }

    public long? Answered_at { get; init; }

    public required string Answer_refs { get; init; }

    /// <summary>Serializes a list for its column.</summary>
    public static string Json(IReadOnlyList<string> texts) =>
        texts.Count == 0 ? "[]" : JsonSerializer.Serialize(texts, WireJson.Options);

    public QuestionView ToView() =>
        new(
            Id,
            Asker,
            Question,
            List(Question_refs),
            List(Options),
            Multi != 0,
            Instant(Asked_at),
            List(Answer_refs),
            Target,
            Deadline_at is { } deadline ? Instant(deadline) : null,
            Answer,
            Answerer,
            Answered_at is { } answered ? Instant(answered) : null
        );

    private static IReadOnlyList<string> List(string json) =>
        json == "[]" ? None : JsonSerializer.Deserialize<string[]>(json, WireJson.Options)!;

    private static DateTimeOffset Instant(long milliseconds) => DateTimeOffset.FromUnixTimeMilliseconds(milliseconds);
}
