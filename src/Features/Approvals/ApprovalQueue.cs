using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Approvals.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Approvals;

/// <summary>A request for an approval, before it is stored.</summary>
/// <param name="Kind">One of <see cref="ApprovalKind"/>.</param>
/// <param name="Agent">The agent that it concerns.</param>
/// <param name="Requester">The principal that asks.</param>
/// <param name="Description">The reason, for the operator.</param>
/// <param name="CommitRef">The proposed commit, of <c>apply_commit</c>.</param>
/// <param name="Runtime">The runtime that the operator named, of <c>spawn</c>.</param>
/// <param name="Inputs">The inputs to re-pin, of <c>update_inputs</c>.</param>
internal sealed record ApprovalRequest(
    string Kind,
    string Agent,
    string Requester,
    string? Description,
    string CommitRef = "",
    string? Runtime = null,
    IReadOnlyList<string>? Inputs = null
);

/// <summary>The result of approved work that succeeded.</summary>
/// <param name="Sha">The deployed commit.</param>
/// <param name="Tag">The tag of that commit.</param>
/// <param name="Note">A note for the operator and the manager.</param>
internal sealed record ApprovalOutcome(string? Sha = null, string? Tag = null, string? Note = null);

/// <summary>
/// Changes approvals; no other code does. Always inside a write, so that of simultaneous decisions the first wins and
/// the message to the manager is in the same commit.
/// </summary>
internal sealed class ApprovalQueue(IOutbox outbox, PendingDecisions waits, TimeProvider clock)
{
    /// <summary>
    /// The status while a proposed commit is fetched, before the operator sees the approval. Not shown at any door.
    /// </summary>
    public const string Fetching = "fetching";

    // The part of a note that goes into a message, measured as JSON: a body of the host has at most 16 KiB. The row has
    // the whole note.
    private const int NotifiedNoteBytes = 12 * 1024;

    /// <summary>Stores a request. The operator sees it from then on, unless a commit must be fetched first.</summary>
    public ApprovalRow Add(IWrite write, ApprovalRequest request, string status = ApprovalStatus.Pending)
    {
        if (
            write.Db.ExecuteScalar<long>("SELECT count(*) FROM approvals WHERE resolved_at IS NULL")
            >= Limits.PendingApprovals
        )
            throw Problem.Conflict(
                $"{Limits.PendingApprovals} approvals are pending, which is the limit; wait until the operator "
                    + "has decided some (loose_ends lists them)"
            );
        var row = write.Db.QuerySingle<ApprovalRow>(
            AddSql,
            new
            {
                request.Agent,
                request.Kind,
                request.CommitRef,
                status,
                request.Requester,
                now = Now,
                description = string.IsNullOrWhiteSpace(request.Description) ? null : request.Description,
                request.Runtime,
                inputs = request.Inputs is null ? null : JsonSerializer.Serialize(request.Inputs, WireJson.Options),
            }
        );
        if (status == ApprovalStatus.Pending)
            Announce(write, row);
        return row;
    }

    /// <summary>The approval with that id, whatever its status.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static ApprovalRow Require(DbConnection db, long id) =>
        db.QuerySingleOrDefault<ApprovalRow>($"SELECT {ApprovalRow.Columns} FROM approvals WHERE id = @id", new { id })
            is { Status: not Fetching } row
            ? row
            : throw Problem.NotFound($"approval {id} not found");

    /// <summary>The approval with that id, if the operator can still decide it.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, or <c>conflict</c> with its status.</exception>
    public static ApprovalRow RequirePending(DbConnection db, long id) =>
        Require(db, id) switch
        {
            { Status: ApprovalStatus.Pending } row => row,
            { Status: ApprovalStatus.Building } => throw Problem.Conflict(
                $"approval {id} is approved and building already; the first decision counts"
            ),
            var row => throw Problem.Conflict(
                $"approval {id} {(row.Status == ApprovalStatus.Failed ? "" : "was ")}{row.Status} at "
                    + $"{row.ToView().ResolvedAt:yyyy-MM-dd HH:mm:ss} UTC; the first decision counts"
            ),
        };

    /// <summary>True while an approval is building.</summary>
    public static bool IsBuilding(DbConnection db, long id) =>
        db.ExecuteScalar<long>(
            $"""
            SELECT count(*)
              FROM approvals
             WHERE id = @id AND resolved_at IS NULL AND status = '{ApprovalStatus.Building}'
            """,
            new { id }
        ) > 0;

    /// <summary>Records the fetched commit; the approval now waits for the operator.</summary>
    public void MarkFetched(IWrite write, long id, string sha)
    {
        var row = write.Db.QuerySingle<ApprovalRow>(
            $"""
            UPDATE approvals
               SET status = '{ApprovalStatus.Pending}', fetched_sha = @sha
             WHERE id = @id
            RETURNING {ApprovalRow.Columns}
            """,
            new { id, sha }
        );
        Announce(write, row);
    }

    /// <summary>Records the operator's yes. From then on this host or the next one builds it.</summary>
    public ApprovalRow MarkBuilding(IWrite write, long id)
    {
        var row = RequirePending(write.Db, id);
        var other = write.Db.QuerySingleOrDefault<long?>(BuildingSql, new { row.Agent });
        if (other is not null)
            throw Problem.Conflict($"approval {other} for {row.Agent} is still building; approve {id} when it is done");
        row = write.Db.QuerySingle<ApprovalRow>(
            $"""
            UPDATE approvals
               SET status = '{ApprovalStatus.Building}', approved_at = @now
             WHERE id = @id
            RETURNING {ApprovalRow.Columns}
            """,
            new { id, now = Now }
        );
        write.Raise(new ApprovalChanged(row.ToView()));
        waits.Remove(write, row);
        return row;
    }

    /// <summary>Ends an approval. Does nothing when it has ended already.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">The approval.</param>
    /// <param name="status"><c>approved</c>, <c>denied</c> or <c>failed</c>.</param>
    /// <param name="note">The reason, or the outcome's note.</param>
    /// <param name="outcome">The result of the work, when it succeeded.</param>
    /// <param name="notify">False when the manager learns of it in another way.</param>
    /// <returns>True when this call ended it.</returns>
    public bool Resolve(
        IWrite write,
        long id,
        string status,
        string? note,
        ApprovalOutcome? outcome = null,
        bool notify = true
    )
    {
        var row = write.Db.QuerySingleOrDefault<ApprovalRow>(
            ResolveSql,
            new
            {
                id,
                status,
                note = string.IsNullOrWhiteSpace(note) ? null : note,
                now = Now,
            }
        );
        if (row is null)
            return false;
        write.Raise(new ApprovalResolved(row.ToView(), WasApproved: row.ApprovedAt is not null));
        waits.Remove(write, row);
        if (notify)
            Tell(write, row, outcome);
        return true;
    }

    /// <summary>Fails a pending proposal for a destroyed agent until the agent is revived. Nobody is told.</summary>
    public void SetAside(IWrite write, long id, string note)
    {
        if (Resolve(write, id, ApprovalStatus.Failed, note, notify: false))
            write.Db.Execute("UPDATE approvals SET aside = 1 WHERE id = @id", new { id });
    }

    /// <summary>Makes the proposals that were set aside pending again, for a revived agent.</summary>
    public void Reopen(IWrite write, string agent)
    {
        foreach (var row in write.Db.Query<ApprovalRow>(ReopenSql, new { agent }).OrderBy(row => row.Id).ToArray())
            Announce(write, row);
    }

    /// <summary>Makes the failure of the proposals that were set aside final.</summary>
    /// <returns>Those proposals.</returns>
    public ApprovalRow[] EndAside(IWrite write, string agent)
    {
        ApprovalRow[] ended = [.. write.Db.Query<ApprovalRow>(EndAsideSql, new { agent }).OrderBy(row => row.Id)];
        foreach (var row in ended)
            Tell(write, row);
        return ended;
    }

    private void Tell(IWrite write, ApprovalRow row, ApprovalOutcome? outcome = null)
    {
        var sentNote = row.Note is null ? null : TextRules.Cut(row.Note, NotifiedNoteBytes);
        if (row.Kind == ApprovalKind.Spawn && row.Status != ApprovalStatus.Denied)
            Notify(
                write,
                new
                {
                    @event = "spawned",
                    row.Agent,
                    ok = row.Status == ApprovalStatus.Approved,
                    note = sentNote,
                    outcome?.Sha,
                    outcome?.Tag,
                }
            );
        Notify(
            write,
            new
            {
                @event = "approval_resolved",
                row.Id,
                row.Agent,
                row.Kind,
                row.CommitRef,
                row.Status,
                note = sentNote,
                sha = outcome?.Sha ?? row.FetchedSha,
                outcome?.Tag,
            }
        );
    }

    private void Announce(IWrite write, ApprovalRow row)
    {
        write.Raise(new ApprovalAdded(row.ToView()));
        waits.Add(write, row);
    }

    private void Notify(IWrite write, object notice) =>
        outbox.Append(write, Principals.System, Principals.Manager, JsonSerializer.Serialize(notice, WireJson.Options));

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private const string AddSql = $"""
        INSERT INTO approvals (agent, kind, commit_ref, status, requester, requested_at, description, runtime, inputs)
        VALUES (@Agent, @Kind, @CommitRef, @status, @Requester, @now, @description, @Runtime, @inputs)
        RETURNING {ApprovalRow.Columns}
        """;

    private const string BuildingSql = $"""
        SELECT min(id)
          FROM approvals
         WHERE agent = @Agent AND resolved_at IS NULL AND status = '{ApprovalStatus.Building}'
        """;

    private const string ReopenSql = $"""
        UPDATE approvals
           SET status = '{ApprovalStatus.Pending}', note = NULL, resolved_at = NULL, aside = 0
         WHERE agent = @agent AND aside = 1
        RETURNING {ApprovalRow.Columns}
        """;

    private const string EndAsideSql = $"""
        UPDATE approvals
           SET aside = 0
         WHERE agent = @agent AND aside = 1
        RETURNING {ApprovalRow.Columns}
        """;

    private const string ResolveSql = $"""
        UPDATE approvals
           SET status = @status, note = @note, resolved_at = @now
         WHERE id = @id AND resolved_at IS NULL
        RETURNING {ApprovalRow.Columns}
        """;
}
