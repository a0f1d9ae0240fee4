using System.Text.Json;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>A row of <c>approvals</c>, read with <see cref="Columns"/>.</summary>
internal sealed record ApprovalRow
{
    public const string Columns =
        "id, agent, kind, commit_ref, status, requester, requested_at, resolved_at, description, note, fetched_sha, "
        + "base_sha, runtime, inputs, approved_at";

    public required long Id { get; init; }

    public required string Agent { get; init; }

    public required string Kind { get; init; }

    public required string CommitRef { get; init; }

    public required string Status { get; init; }

    public required string Requester { get; init; }

    public required long RequestedAt { get; init; }

    public long? ResolvedAt { get; init; }

    public string? Description { get; init; }

    public string? Note { get; init; }

    public string? FetchedSha { get; init; }

    /// <summary>The deployed commit when the build began.</summary>
    public string? BaseSha { get; init; }

    public string? Runtime { get; init; }

    public string? Inputs { get; init; }

    /// <summary>When the operator approved it.</summary>
    public long? ApprovedAt { get; init; }

    public IReadOnlyList<string>? InputNames =>
        Inputs is null ? null : JsonSerializer.Deserialize<string[]>(Inputs, WireJson.Options);

    public Approval ToView() =>
        new(
            Id,
            Agent,
            Kind,
            CommitRef,
            Status,
            DateTimeOffset.FromUnixTimeMilliseconds(RequestedAt),
            Requester,
            ResolvedAt is { } at ? DateTimeOffset.FromUnixTimeMilliseconds(at) : null,
            Description,
            Note,
            FetchedSha,
            Runtime,
            InputNames
        );
}
