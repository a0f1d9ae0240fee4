using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Hive.Protocol;

namespace Hive.Features.Gates;

// The records of /api/v1: those of the sockets and the stream, with the flat names of that contract beside them.

/// <summary>A gate under the names of <c>/api/v1</c> too.</summary>
/// <param name="Gate">Its other members.</param>
internal sealed record TicketGate([property: JsonIgnore] GateView Gate) : GateView(Gate)
{
    /// <summary>The ticket.</summary>
    public long TicketId => Ticket;

    /// <summary><c>not_configured</c>, <c>waiting_tasks</c>, <c>blocked</c> or <c>ready</c>.</summary>
    public string ValidationStatus =>
        Criteria.Count == 0 ? "not_configured"
        : BlockingReasons.Any(r => r.StartsWith(GateJudge.WaitingTasks, StringComparison.Ordinal))
            ? GateJudge.WaitingTasks
        : RequirementsMet ? "ready"
        : "blocked";

    /// <summary>When it was judged last.</summary>
    public DateTimeOffset? ValidatedAt => JudgedAt;
}

/// <summary>An artifact under the names of <c>/api/v1</c> too.</summary>
/// <param name="Artifact">Its other members.</param>
/// <param name="Content">Its content, when that is text; a list leaves it out.</param>
/// <param name="ArtifactContent">Its content, when that is a JSON object; a list leaves it out.</param>
internal sealed record TicketArtifact(
    [property: JsonIgnore] Artifact Artifact,
    string? Content = null,
    JsonObject? ArtifactContent = null
) : Artifact(Artifact)
{
    /// <summary>The ticket.</summary>
    public long TicketId => Ticket;

    /// <summary>The task that it was handed in with.</summary>
    public long? TaskId => Task;

    /// <summary>Its type.</summary>
    public string ArtifactType => Type;

    /// <summary>The file, in container form.</summary>
    public string? ArtifactPath => Path;

    /// <summary>Its submitter.</summary>
    public string CollectedBy => By;

    /// <summary>When.</summary>
    public DateTimeOffset CollectedAt => At;

    /// <summary>An artifact with its content.</summary>
    public static TicketArtifact Of(StoredArtifact stored)
    {
        var content = stored.Content is { } bytes ? Gates.ArtifactContent.Read(bytes) : null;
        return new TicketArtifact(stored.Artifact, content?.Text, content?.Json);
    }
}

/// <summary>A review under the names of <c>/api/v1</c> too.</summary>
/// <param name="Review">Its other members.</param>
internal sealed record TicketReview([property: JsonIgnore] Review Review) : Review(Review)
{
    /// <summary>The ticket.</summary>
    public long TicketId => Ticket;

    /// <summary>The artifacts that it is about.</summary>
    public IReadOnlyList<long> ArtifactIds => Artifacts;

    /// <summary>The task that is reviewed; absent for a gate.</summary>
    public long? TaskId => Task;

    /// <summary>The task of the validator; absent when the operator decides.</summary>
    public long? ReviewTaskId => ReviewTask;

    /// <summary>The person or agent that decided.</summary>
    public string? ReviewerId => Reviewer;
}

/// <summary>A metric under the names of <c>/api/v1</c> too.</summary>
/// <param name="Metric">Its other members.</param>
internal sealed record TaskMetric([property: JsonIgnore] Metric Metric) : Metric(Metric)
{
    /// <summary>The task.</summary>
    public long TaskId => Task;

    /// <summary>Its type.</summary>
    public string MetricType => Type;

    /// <summary>Its name.</summary>
    public string MetricName => Name;

    /// <summary>When it was recorded.</summary>
    public DateTimeOffset MeasuredAt => At;
}
