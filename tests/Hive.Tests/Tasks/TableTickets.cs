using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

/// <summary>Tickets in a table of the test's own, without board, gates and history: tests of tasks decide where a
/// ticket stands.</summary>
internal sealed class TableTickets(IServiceProvider services) : ITickets, ISchema
{
    public const string Columns =
        "id, workflow, title, description, priority, phase_id, previous_phase_id, gate, gate_rev, rank, approval, "
        + "blocked, blocked_reason, held, repository, deadline_at, created_at, done_at";

    public string Slice => "test_tickets";

    public int Version => 1;

    public void Converge(SchemaEditor editor) =>
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS test_tickets (
                id                INTEGER PRIMARY KEY AUTOINCREMENT,
                workflow          TEXT NOT NULL DEFAULT 'software_development',
                title             TEXT NOT NULL DEFAULT 'Login',
                description       TEXT NOT NULL DEFAULT 'Let people in.',
                priority          INTEGER NOT NULL DEFAULT 2,
                phase_id          TEXT NOT NULL,
                previous_phase_id TEXT,
                gate              TEXT NOT NULL DEFAULT 'open',
                gate_rev          INTEGER NOT NULL DEFAULT 0,
                rank              REAL NOT NULL DEFAULT 1,
                approval          TEXT NOT NULL DEFAULT 'approved',
                blocked           TEXT,
                blocked_reason    TEXT,
                held              INTEGER NOT NULL DEFAULT 0,
                repository        TEXT,
                deadline_at       INTEGER,
                created_at        INTEGER NOT NULL DEFAULT 0,
                done_at           INTEGER
            )
            """
        );

    public TicketEntry? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<Row>($"SELECT {Columns} FROM test_tickets WHERE id = @id", new { id })?.ToEntry();

    public TicketEntry Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"ticket {id} not found");

    public IReadOnlyList<TicketEntry> Open(DbConnection db) =>
        [.. db.Query<Row>($"SELECT {Columns} FROM test_tickets WHERE done_at IS NULL").Select(r => r.ToEntry())];

    public IReadOnlyList<long> OpenIds(DbConnection db) => [.. Open(db).Select(t => t.Id)];

    public void MarkGate(IWrite write, long ticket) =>
        write.Db.Execute("UPDATE test_tickets SET gate_rev = gate_rev + 1 WHERE id = @ticket", new { ticket });

    public IReadOnlyList<(long Id, long GateRev)> Marked(DbConnection db) => [];

    public IReadOnlyList<BoardColumnView> Board(Workflow workflow) => [];

    public bool Judged(IWrite write, TicketEntry ticket, bool? passed, string? lacks = null) => false;

    public bool CanRegress(DbConnection db, long ticket, string toPhase) => true;

    public bool Regress(IWrite write, long ticket, string toPhase, string reason, string actor)
    {
        Move(write, ticket, toPhase);
        return true;
    }

    public bool Block(IWrite write, long ticket, string type, string reason, string actor)
    {
        var changed = write.Db.Execute(
            """
            UPDATE test_tickets SET blocked = @type, blocked_reason = @reason
             WHERE id = @ticket AND blocked IS NULL AND done_at IS NULL
            """,
            new
            {
                ticket,
                type,
                reason,
            }
        );
        if (changed > 0)
            Changed(write, ticket);
        return changed > 0;
    }

    public bool Unblock(IWrite write, long ticket, string actor, string? type = null)
    {
        var changed = write.Db.Execute(
            """
            UPDATE test_tickets SET blocked = NULL, blocked_reason = NULL
             WHERE id = @ticket AND blocked IS NOT NULL AND (@type IS NULL OR blocked = @type)
            """,
            new { ticket, type }
        );
        foreach (var told in changed > 0 ? services.GetServices<ITicketTasks>() : [])
            told.BlockEnded(write, Require(write.Db, ticket), actor);
        if (changed > 0)
            Changed(write, ticket);
        return changed > 0;
    }

    public void SetContextSummary(IWrite write, long ticket, string summary) { }

    public void Touch(IWrite write, long ticket) { }

    /// <summary>Makes a ticket, which enters its phase.</summary>
    public long Make(IWrite write, string phase, string title, string? workflow = null)
    {
        var id = write.Db.ExecuteScalar<long>(
            """
            INSERT INTO test_tickets (phase_id, title, workflow)
            VALUES (@phase, @title, @workflow)
            RETURNING id
            """,
            new
            {
                phase,
                title,
                workflow = workflow ?? "software_development",
            }
        );
        Entered(write, id);
        return id;
    }

    /// <summary>Moves a ticket, which may end there.</summary>
    public void Move(IWrite write, long ticket, string phase)
    {
        write.Db.Execute(
            """
            UPDATE test_tickets
               SET previous_phase_id = phase_id, phase_id = @phase,
                   done_at = CASE WHEN @phase LIKE '%DONE' THEN 1 END
             WHERE id = @ticket
            """,
            new { ticket, phase }
        );
        Entered(write, ticket);
    }

    /// <summary>Deletes a ticket.</summary>
    public void Delete(IWrite write, long ticket)
    {
        var entry = Require(write.Db, ticket);
        foreach (var told in services.GetServices<ITicketRemoved>().Reverse())
            told.Removed(write, entry, "operator");
        write.Db.Execute("DELETE FROM test_tickets WHERE id = @ticket", new { ticket });
    }

    private void Entered(IWrite write, long ticket)
    {
        var entry = Require(write.Db, ticket);
        var phase = services
            .GetRequiredService<IWorkflows>()
            .Require(entry.Workflow)
            .Phases.Single(p => p.Id == entry.PhaseId);
        foreach (var told in services.GetServices<IPhaseEntered>())
            told.Entered(write, entry, phase, "operator");
    }

    private void Changed(IWrite write, long ticket)
    {
        foreach (var told in services.GetServices<ITicketHeld>())
            told.Changed(write, Require(write.Db, ticket));
    }

    private sealed record Row
    {
        public required long Id { get; init; }

        public required string Workflow { get; init; }

        public required string Title { get; init; }

        public required string Description { get; init; }

        public required long Priority { get; init; }

        public required string PhaseId { get; init; }

        public string? PreviousPhaseId { get; init; }

        public required string Gate { get; init; }

        public required long GateRev { get; init; }

        public required double Rank { get; init; }

        public required string Approval { get; init; }

        public string? Blocked { get; init; }

        public string? BlockedReason { get; init; }

        public required long Held { get; init; }

        public string? Repository { get; init; }

        public long? DeadlineAt { get; init; }

        public required long CreatedAt { get; init; }

        public long? DoneAt { get; init; }

        public TicketEntry ToEntry() =>
            new(
                Id,
                Workflow,
                Title,
                Description,
                (int)Priority,
                PhaseId,
                PreviousPhaseId,
                Gate,
                GateRev,
                Rank,
                Approval,
                Blocked,
                BlockedReason,
                Held != 0,
                Repository,
                DeadlineAt,
                CreatedAt,
                DoneAt
            );
    }
}
