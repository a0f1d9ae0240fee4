using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Agent.Drivers;
using Hive.Protocol;

namespace Hive.Agent.Statistics;

/// <summary>A turn that has ended, as it is stored and reported to the host.</summary>
/// <param name="Id">The id from the host.</param>
/// <param name="Outcome">How the turn ended, and its figures.</param>
/// <param name="WakeFrom">The senders that woke the agent.</param>
/// <param name="StartedAt">When the turn started, by the wall clock.</param>
/// <param name="EndedAt">When the turn ended, by the wall clock.</param>
/// <param name="DurationMs">The duration by a monotonic clock.</param>
internal sealed record TurnRow(
    long Id,
    TurnOutcome Outcome,
    string WakeFrom,
    DateTimeOffset StartedAt,
    DateTimeOffset EndedAt,
    long DurationMs
)
{
    private const int LongestDelaySeconds = 24 * 60 * 60;

    public long? OpenLooseEnds { get; init; }

    public long? OpenReminders { get; init; }

    /// <summary>How long its messages wait before they are delivered again.</summary>
    public long? DelaySeconds =>
        Outcome.Result == "ok" || Outcome.Pause is not { } pause
            ? null
            : (long)Math.Clamp(Math.Ceiling(pause.TotalSeconds), 0, LongestDelaySeconds);

    /// <summary>The fields of <c>end_turn</c>, which are the same at each repetition.</summary>
    public JsonObject ToEnding()
    {
        var ending = ToFigures();
        foreach (var (name, value) in ToPlainEnding())
            ending[name] = value?.DeepClone();
        ending["started_at"] = JsonSerializer.SerializeToNode(StartedAt, WireJson.Options);
        ending["ended_at"] = JsonSerializer.SerializeToNode(EndedAt, WireJson.Options);
        return ending;
    }

    /// <summary>The fields of <c>end_turn</c> without figures, for a host that refuses them.</summary>
    public JsonObject ToPlainEnding() =>
        Present(
            new JsonObject
            {
                ["turn"] = Id,
                ["result"] = Outcome.Result,
                ["note"] = Note(),
                ["delay_seconds"] = DelaySeconds,
            }
        );

    /// <summary>The fields of the event <c>turn_ended</c>, without turn, result and note.</summary>
    public JsonObject ToFigures()
    {
        var figures = JsonSerializer.SerializeToNode(Outcome.Figures, WireJson.Options)!.AsObject();
        figures["duration_ms"] = DurationMs;
        figures["open_loose_ends_count"] = OpenLooseEnds;
        figures["open_reminders_count"] = OpenReminders;
        return Present(figures);
    }

    /// <summary>The error, truncated to the size of a message.</summary>
    public string? Note() => Outcome.Note is { } note ? WireText.Cut(note, Limits.BodyBytes) : null;

    private static JsonObject Present(JsonObject fields)
    {
        foreach (var name in fields.Where(f => f.Value is null).Select(f => f.Key).ToArray())
            fields.Remove(name);
        return fields;
    }
}
