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

/// <summary>What is asked for.</summary>
/// <param name="Kind">One of <see cref="ApprovalKind"/>.</param>
/// <param name="Agent">Whom it is about.</param>
/// <param name="Requester">Who asks.</param>
/// <param name="Description">Why.</param>
/// <param name="CommitRef">The commit, where one is meant.</param>
/// <param name="Runtime">The runtime, where one was named.</param>
/// <param name="Inputs">The inputs, where they are what is meant.</param>
internal sealed record Wish(
    string Kind,
    string Agent,
    string Requester,
    string? Description,
    string CommitRef = "",
    string? Runtime = null,
    IReadOnlyList<string>? Inputs = null
);

/// <summary>What came of an approval that was done.</summary>
/// <param name="Sha">The commit that is deployed.</param>
/// <param name="Tag">The tag that says so.</param>
/// <param name="Note">What is to be said of it.</param>
internal sealed record Deployed(string? Sha = null, string? Tag = null, string? Note = null);

/// <summary>The only place that changes an approval, always inside a write: of several decisions at the same moment the
/// first wins, and the manager is told in the same commit.</summary>
internal sealed class ApprovalQueue(IOutbox outbox, TimeProvider clock)
{
    /// <summary>Before it waits for the operator, while what it proposes is fetched. Shown at no door.</summary>
    public const string Fetching = "fetching";

    // A host's body has 16 KiB: so much of a note is told, as JSON. All of it stands in the row.
    private const int ToldNoteBytes = 12 * 1024;

    /// <summary>Stores what is asked for; the operator sees it from here on, unless there is something to be fetched
    /// first.</summary>
    public ApprovalRow Add(IWrite write, Wish wish, string status = ApprovalStatus.Pending)
    {
        if (
            write.Db.ExecuteScalar<long>("SELECT count(*) FROM approvals WHERE resolved_at IS NULL")
            >= Limits.PendingApprovals
        )
            throw Problem.Conflict(
                $"{Limits.PendingApprovals} approvals wait for the operator, the limit; wait until some of them are decided (loose_ends lists them)"
            );
        var row = write.Db.QuerySingle<ApprovalRow>(
            AddSql,
            new
            {
                wish.Agent,
                wish.Kind,
                wish.CommitRef,
                status,
                wish.Requester,
                now = Now,
                description = string.IsNullOrWhiteSpace(wish.Description) ? null : wish.Description,
                wish.Runtime,
                inputs = wish.Inputs is null ? null : JsonSerializer.Serialize(wish.Inputs, WireJson.Options),
            }
        );
        if (status == ApprovalStatus.Pending)
            write.Raise(new ApprovalAdded(row.ToView()));
        return row;
    }

    /// <summary>The approval of that number, at whatever point it is.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public static ApprovalRow Require(DbConnection db, long id) =>
        db.QuerySingleOrDefault<ApprovalRow>($"SELECT {ApprovalRow.Columns} FROM approvals WHERE id = @id", new { id })
            is { Status: not Fetching } row
            ? row
            : throw Problem.NotFound($"there is no approval {id}");

    /// <summary>The approval of that number, if the operator can still decide it.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>, or <c>conflict</c> with the state it is in.</exception>
    public static ApprovalRow RequirePending(DbConnection db, long id) =>
        Require(db, id) switch
        {
            { Status: ApprovalStatus.Pending } row => row,
            { Status: ApprovalStatus.Building } => throw Problem.Conflict(
                $"approval {id} has been approved and is building; the first decision counts"
            ),
            var row => throw Problem.Conflict(
                $"approval {id} is {row.Status} since {row.ToView().ResolvedAt:yyyy-MM-dd HH:mm:ss} UTC; the first decision counts"
            ),
        };

    /// <summary>True while an approval that was begun has not come to its end.</summary>
    public static bool IsBuilding(DbConnection db, long id) =>
        db.ExecuteScalar<long>(
            $"SELECT count(*) FROM approvals WHERE id = @id AND resolved_at IS NULL AND status = '{ApprovalStatus.Building}'",
            new { id }
        ) > 0;

    /// <summary>What is proposed is there, and waits for the operator.</summary>
    public static void Fetched(IWrite write, long id, string sha)
    {
        var row = write.Db.QuerySingle<ApprovalRow>(
            $"UPDATE approvals SET status = '{ApprovalStatus.Pending}', fetched_sha = @sha WHERE id = @id RETURNING {ApprovalRow.Columns}",
            new { id, sha }
        );
        write.Raise(new ApprovalAdded(row.ToView()));
    }

    /// <summary>The operator's yes: from here on it is built, by this host or the next.</summary>
    public static ApprovalRow Begin(IWrite write, long id)
    {
        var row = RequirePending(write.Db, id);
        var other = write.Db.QuerySingleOrDefault<long?>(BuildingSql, new { row.Agent });
        if (other is not null)
            throw Problem.Conflict($"approval {other} for {row.Agent} is building; approve {id} when that is done");
        row = write.Db.QuerySingle<ApprovalRow>(
            $"UPDATE approvals SET status = '{ApprovalStatus.Building}' WHERE id = @id RETURNING {ApprovalRow.Columns}",
            new { id }
        );
        write.Raise(new ApprovalChanged(row.ToView()));
        return row;
    }

    /// <summary>Its end. Nothing, when it had one already.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="id">Which.</param>
    /// <param name="status"><c>approved</c>, <c>denied</c> or <c>failed</c>.</param>
    /// <param name="note">Why.</param>
    /// <param name="deployed">What came of it, when it was done.</param>
    /// <param name="tell">False when the manager hears of it in another way.</param>
    /// <returns>True when this was its end.</returns>
    public bool Resolve(IWrite write, long id, string status, string? note, Deployed? deployed = null, bool tell = true)
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
        write.Raise(new ApprovalResolved(row.ToView()));
        if (!tell)
            return true;
        var told = row.Note is null ? null : TextRules.Cut(row.Note, ToldNoteBytes);
        if (row.Kind == ApprovalKind.Spawn && status != ApprovalStatus.Denied)
            Tell(
                write,
                new
                {
                    @event = "spawned",
                    row.Agent,
                    ok = status == ApprovalStatus.Approved,
                    note = told,
                    deployed?.Sha,
                    deployed?.Tag,
                }
            );
        Tell(
            write,
            new
            {
                @event = "approval_resolved",
                row.Id,
                row.Agent,
                row.Kind,
                row.Commit_ref,
                row.Status,
                note = told,
                sha = deployed?.Sha ?? row.Fetched_sha,
                deployed?.Tag,
            }
        );
        return true;
    }

    private void Tell(IWrite write, object happened) =>
        outbox.Append(
            write,
            Principals.System,
            Principals.Manager,
            JsonSerializer.Serialize(happened, WireJson.Options)
        );

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

    private const string ResolveSql = $"""
        UPDATE approvals
           SET status = @status, note = @note, resolved_at = @now
         WHERE id = @id AND resolved_at IS NULL
        RETURNING {ApprovalRow.Columns}
        """;
}
