namespace Hive.Protocol;

/// <summary>Something the operator has to decide, or has decided, as every door shows it.</summary>
/// <param name="Id">Given once, never again.</param>
/// <param name="Agent">The agent it is about; for a spawn the one that is to be.</param>
/// <param name="Kind">One of <see cref="ApprovalKind"/>.</param>
/// <param name="CommitRef">The commit as it was asked for; empty where none is meant.</param>
/// <param name="Status">One of <see cref="ApprovalStatus"/>.</param>
/// <param name="RequestedAt">When it was asked for.</param>
/// <param name="Requester">Who asked: <c>manager</c> or <c>operator</c>.</param>
/// <param name="ResolvedAt">When it came to its end; absent until then.</param>
/// <param name="Description">Why, in the words of who asked; at most <see cref="Limits.BodyBytes"/> bytes of
/// UTF-8.</param>
/// <param name="Note">The operator's reason for a denial, or why it failed.</param>
/// <param name="FetchedSha">The whole name of the commit that would be deployed, whatever became of it where it was
/// proposed.</param>
/// <param name="Runtime">The runtime that was asked for by name, for a spawn.</param>
/// <param name="Inputs">The inputs to pin anew, for an update of inputs.</param>
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

/// <summary>What can be asked for.</summary>
public static class ApprovalKind
{
    /// <summary>A new agent.</summary>
    public const string Spawn = "spawn";

    /// <summary>An agent's configuration as of a commit.</summary>
    public const string ApplyCommit = "apply_commit";

    /// <summary>Inputs pinned anew.</summary>
    public const string UpdateInputs = "update_inputs";
}

/// <summary>How far it has come. The last three are ends.</summary>
public static class ApprovalStatus
{
    /// <summary>Waits for the operator, as long as it takes.</summary>
    public const string Pending = "pending";

    /// <summary>Approved, and under way.</summary>
    public const string Building = "building";

    /// <summary>Approved and done.</summary>
    public const string Approved = "approved";

    /// <summary>Refused by the operator.</summary>
    public const string Denied = "denied";

    /// <summary>It could not be done, and everything is as it was before.</summary>
    public const string Failed = "failed";
}
