namespace Hive.Protocol;

/// <summary>A request that the operator has to decide or has decided, as every door shows it.</summary>
/// <param name="Id">The id; never reused.</param>
/// <param name="Agent">The agent that the request is about; for a spawn, the new agent.</param>
/// <param name="Kind">One of <see cref="ApprovalKind"/>.</param>
/// <param name="CommitRef">The commit as it was requested; empty for other kinds.</param>
/// <param name="Status">One of <see cref="ApprovalStatus"/>.</param>
/// <param name="RequestedAt">When it was requested.</param>
/// <param name="Requester">Who asked: <c>manager</c> or <c>operator</c>.</param>
/// <param name="ResolvedAt">When it was approved, denied or failed; absent until then.</param>
/// <param name="Description">The requester's reason; at most <see cref="Limits.BodyBytes"/> bytes of UTF-8.</param>
/// <param name="Note">The operator's reason for a denial, or why it failed.</param>
/// <param name="FetchedSha">The full name of the commit to deploy, whether or not it still exists where it was
/// proposed.</param>
/// <param name="Runtime">The requested runtime, for a spawn.</param>
/// <param name="Inputs">The inputs to re-pin, for an update of inputs.</param>
public sealed record Approval(
    long Id,
    string Agent,
    string Kind,
    string CommitRef,
    string Status,
    DateTimeOffset RequestedAt,
    string Requester,
    DateTimeOffset? ResolvedAt = null,
    string? Description = null,
    string? Note = null,
    string? FetchedSha = null,
    string? Runtime = null,
    IReadOnlyList<string>? Inputs = null
);

/// <summary>The kinds of approvals.</summary>
public static class ApprovalKind
{
    /// <summary>Create a new agent.</summary>
    public const string Spawn = "spawn";

    /// <summary>Deploy a commit of an agent's configuration.</summary>
    public const string ApplyCommit = "apply_commit";

    /// <summary>Re-pin inputs.</summary>
    public const string UpdateInputs = "update_inputs";
}

/// <summary>The states of an approval. The last three are final.</summary>
public static class ApprovalStatus
{
    /// <summary>Waits for the operator, without a time limit.</summary>
    public const string Pending = "pending";

    /// <summary>Approved, and in progress.</summary>
    public const string Building = "building";

    /// <summary>Approved and done.</summary>
    public const string Approved = "approved";

    /// <summary>Refused by the operator.</summary>
    public const string Denied = "denied";

    /// <summary>The change failed and was rolled back.</summary>
    public const string Failed = "failed";
}
