using System.Data.Common;
using System.Text.Json;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Gates;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Gates;

/// <summary>Rows of JSON in the real store, in place of tickets and tasks.</summary>
internal sealed class StandInSchema : ISchema
{
    public string Slice => "stand_ins";

    public int Version => 1;

    public void Converge(SchemaEditor editor)
    {
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS stand_in_tickets (
                id INTEGER PRIMARY KEY AUTOINCREMENT, entry TEXT NOT NULL, marked INTEGER NOT NULL, summary TEXT,
                blocked_by TEXT)
            """
        );
        editor.Run(
            """
            CREATE TABLE IF NOT EXISTS stand_in_tasks (
                id INTEGER PRIMARY KEY AUTOINCREMENT, ticket INTEGER NOT NULL, entry TEXT NOT NULL, prefers TEXT,
                parent INTEGER)
            """
        );
    }
}

/// <summary>Tickets that know their phase, their gate and its revision, and nothing of a board.</summary>
internal sealed class StandInTickets(IServiceProvider services) : ITickets, IWorkflowTickets
{
    private IEnumerable<Phase> Phases(TicketEntry ticket) =>
        services.GetRequiredService<IWorkflows>().Require(ticket.Workflow).Phases;

    private TicketSeams Seams => services.GetServices<IPhaseEntered>().OfType<TicketSeams>().Single();

    /// <summary>The next column is full.</summary>
    public bool IsNextFull { get; set; }

    /// <summary>The phase before is full.</summary>
    public bool IsBackFull { get; set; }

    public long Add(IWrite write, string workflow, string phaseId)
    {
        var entry = Cases.Make<TicketEntry>(
            new
            {
                Workflow = workflow,
                Title = "Log in",
                Description = "",
                Priority = 2,
                PhaseId = phaseId,
                Gate = "open",
                Approval = "approved",
            }
        );
        var id = write.Db.QuerySingle<long>(
            "INSERT INTO stand_in_tickets (entry, marked) VALUES (@json, 1) RETURNING id",
            new { json = JsonSerializer.Serialize(entry) }
        );
        Put(write, entry with { Id = id }, marked: true);
        Enter(write, entry with { Id = id });
        return id;
    }

    public TicketEntry? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<string>("SELECT entry FROM stand_in_tickets WHERE id = @id", new { id }) is { } json
            ? JsonSerializer.Deserialize<TicketEntry>(json)
            : null;

    public TicketEntry Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"ticket {id} not found");

    public IReadOnlyList<TicketEntry> Open(DbConnection db) =>
        [.. Entries(db, "SELECT entry FROM stand_in_tickets ORDER BY id").Where(t => !t.IsDone)];

    public IReadOnlyList<long> OpenIds(DbConnection db) => [.. Open(db).Select(t => t.Id)];

    public IReadOnlyList<(long Id, long GateRev)> Marked(DbConnection db) =>
        [
            .. Entries(db, "SELECT entry FROM stand_in_tickets WHERE marked = 1 ORDER BY id")
                .Where(t => t.Runs)
                .Select(t => (t.Id, t.GateRev)),
        ];

    public IReadOnlyList<BoardColumnView> Board(Workflow workflow) => [];

    public void MarkGate(IWrite write, long ticket)
    {
        if (Find(write.Db, ticket) is { IsDone: false } entry)
            Put(write, entry with { GateRev = entry.GateRev + 1 }, marked: true);
    }

    public bool Judged(IWrite write, TicketEntry ticket, bool? passed, string? lacks = null)
    {
        if (
            Find(write.Db, ticket.Id) is not { IsDone: false } entry
            || entry.PhaseId != ticket.PhaseId
            || entry.GateRev != ticket.GateRev
        )
            return false;
        if (passed == true)
        {
            var phase = Phases(entry).Single(p => p.Id == entry.PhaseId);
            // As a move does before it goes forward.
            Assert.Empty(
                services.GetServices<IGateVerdicts>().OfType<GateVerdicts>().Single().Blocking(write.Db, entry, phase)
            );
            if (phase.Next is null)
                Put(write, entry with { Gate = "passed" }, marked: false);
            else if (IsNextFull)
                Put(write, entry with { Gate = "waiting" }, marked: false);
            else
                To(write, entry, phase.Next, Principals.System);
        }
        else
        {
            Put(write, entry with { Gate = passed == false ? "failed" : Open(write, entry) }, marked: false);
        }

        return true;
    }

    public bool CanRegress(DbConnection db, long ticket, string toPhase) => !IsBackFull;

    public bool Regress(IWrite write, long ticket, string toPhase, string reason, string actor)
    {
        if (IsBackFull)
            return false;
        To(write, Require(write.Db, ticket), toPhase, actor);
        return true;
    }

    private static string Open(IWrite write, TicketEntry entry) =>
        entry.Gate is not "open"
        && write.Db.ExecuteScalar<bool>("SELECT marked FROM stand_in_tickets WHERE id = @Id", new { entry.Id })
            ? "open"
            : entry.Gate;

    public bool Block(IWrite write, long ticket, string type, string reason, string actor)
    {
        if (Require(write.Db, ticket) is not { Blocked: null, IsDone: false } entry)
            return false;
        Put(write, entry with { Blocked = type, BlockedReason = reason });
        Seams.Changed(write, Require(write.Db, ticket));
        return true;
    }

    public bool Unblock(IWrite write, long ticket, string actor, string? type = null)
    {
        var entry = Require(write.Db, ticket);
        Put(write, entry with { Blocked = null, BlockedReason = null });
        Seams.Changed(write, Require(write.Db, ticket));
        return true;
    }

    public void SetContextSummary(IWrite write, long ticket, string summary) =>
        write.Db.Execute("UPDATE stand_in_tickets SET summary = @summary WHERE id = @ticket", new { ticket, summary });

    public void Touch(IWrite write, long ticket) { }

    public IReadOnlyList<TicketPlace> In(DbConnection db, string workflow) => [];

    public int Move(IWrite write, Workflow before, IReadOnlyDictionary<string, string> phases) => 0;

    public void MarkGates(IWrite write, string workflow)
    {
        foreach (var ticket in Open(write.Db).Where(t => t.Gate is "open" or "failed"))
            MarkGate(write, ticket.Id);
    }

    public void Remove(IWrite write, long ticket)
    {
        Seams.Removed(write, Require(write.Db, ticket), "operator");
        write.Db.Execute("DELETE FROM stand_in_tickets WHERE id = @ticket", new { ticket });
    }

    public void To(IWrite write, TicketEntry before, string phaseId, string actor = Principals.Operator)
    {
        var phase = Phases(before).Single(p => p.Id == phaseId);
        var after = before with
        {
            PhaseId = phaseId,
            PreviousPhaseId = before.PhaseId,
            Gate = "open",
            GateRev = before.GateRev + 1,
            DoneAt = phase.Terminal ? 1 : null,
        };
        Put(write, after, marked: !phase.Terminal);
        Enter(write, after, actor);
    }

    private void Enter(IWrite write, TicketEntry entry, string actor = Principals.Operator) =>
        Seams.Entered(write, entry, Phases(entry).Single(p => p.Id == entry.PhaseId), actor);

    private static void Put(IWrite write, TicketEntry entry, bool? marked = null) =>
        write.Db.Execute(
            "UPDATE stand_in_tickets SET entry = @json, marked = coalesce(@marked, marked) WHERE id = @Id",
            new
            {
                entry.Id,
                marked,
                json = JsonSerializer.Serialize(entry),
            }
        );

    private static IEnumerable<TicketEntry> Entries(DbConnection db, string sql) =>
        db.Query<string>(sql).Select(json => JsonSerializer.Deserialize<TicketEntry>(json)!);
}

/// <summary>Tasks that are told their status.</summary>
internal sealed class StandInTasks(IServiceProvider services) : ITasks, IReviewTasks
{
    private int ends;

    /// <summary>How many further tasks a ticket takes.</summary>
    public int Room { get; set; } = int.MaxValue;

    /// <summary>Why no task can be made; null when tasks can be made.</summary>
    public string? Refusal { get; set; }

    /// <summary>Called once, after the next read of a gate has begun.</summary>
    public Action? OnNextRead { get; set; }

    public TaskEntry Require(DbConnection db, long id) =>
        db.QuerySingleOrDefault<string>("SELECT entry FROM stand_in_tasks WHERE id = @id", new { id }) is { } json
            ? JsonSerializer.Deserialize<TaskEntry>(json)!
            : throw Problem.NotFound($"task {id} not found");

    public IReadOnlyList<(long Id, string PhaseId)> Completed(DbConnection db, long ticket) =>
        [.. Of(db, ticket).Where(t => t.Status == "completed").Select(t => (t.Id, t.PhaseId))];

    public IReadOnlyList<TaskEntry> Outline(DbConnection db, long ticket)
    {
        var (call, all) = (OnNextRead, Of(db, ticket));
        OnNextRead = null;
        call?.Invoke();
        return all;
    }

    public IReadOnlyList<TaskEntry> Of(DbConnection db, long ticket) =>
        [
            .. db.Query<string>("SELECT entry FROM stand_in_tasks WHERE ticket = @ticket ORDER BY id", new { ticket })
                .Select(json => JsonSerializer.Deserialize<TaskEntry>(json)!),
        ];

    public string? NoRoom(IWrite write, long ticket, int count) =>
        count <= Room ? null : $"the ticket has {1000 - Room} tasks; the limit is 1000";

    public long Add(IWrite write, long ticket, TaskSpec spec, string actor, string? prefers = null, long? parent = null)
    {
        if ((Refusal ?? NoRoom(write, ticket, 1)) is { } fault)
            throw Problem.Conflict(fault);
        Room--;
        var tickets = services.GetRequiredService<ITickets>();
        var entry = Cases.Make<TaskEntry>(
            new
            {
                Ticket = ticket,
                PhaseId = spec.PhaseId ?? tickets.Require(write.Db, ticket).PhaseId,
                Kind = "work",
                spec.TaskType,
                spec.Title,
                Description = spec.Description ?? "",
                Priority = 2,
                Status = "pending",
                Capabilities = spec.Capabilities ?? [],
                Expected = Array.Empty<ExpectedOutput>(),
            }
        );
        var id = write.Db.QuerySingle<long>(
            """
            INSERT INTO stand_in_tasks (ticket, entry, prefers, parent)
            VALUES (@ticket, '', @prefers, @parent)
            RETURNING id
            """,
            new
            {
                ticket,
                prefers,
                parent,
            }
        );
        Put(write, entry with { Id = id, Parent = parent });
        Mark(write, ticket);
        return id;
    }

    public long Add(IWrite write, long ticket, TaskSpec spec, IReadOnlyList<string> excludes, long? about)
    {
        var id = Add(write, ticket, spec, Principals.System, parent: about);
        Put(write, Require(write.Db, id) with { Kind = "review" });
        return id;
    }

    public IReadOnlyList<long> OfAgent(DbConnection db, string agent) => [];

    public TaskEntry Begin(IWrite write, Caller caller, long? task, long? run) => Require(write.Db, task!.Value);

    public IReadOnlyCollection<string> Excluded(DbConnection db, long task) => [];

    void IReviewTasks.End(IWrite write, long task, string summary) => End(write, task, "completed");

    void IReviewTasks.Cancel(IWrite write, long task, string reason)
    {
        if (!Require(write.Db, task).HasEnded)
            End(write, task, "cancelled");
    }

    public void Accept(IWrite write, long task) => End(write, task, "completed");

    public void Reject(IWrite write, long task, string feedback, int most)
    {
        var entry = Require(write.Db, task);
        Put(write, entry with { Status = "pending", Iteration = entry.Iteration + 1 });
    }

    public void Cancel(IWrite write, long task, string reason, string actor) => End(write, task, "cancelled");

    public void Retry(IWrite write, long task, string actor)
    {
        var entry = Require(write.Db, task) with { Status = "pending", CompletedAt = null };
        Put(write, entry);
        Mark(write, entry.Ticket);
    }

    /// <summary>Ends a task as its agent does.</summary>
    public void End(IWrite write, long task, string status, string? agent = null, TaskResult? result = null)
    {
        var entry = Require(write.Db, task);
        if (entry.HasEnded)
            throw Problem.Conflict($"task {task} has ended");
        Put(
            write,
            entry with
            {
                Status = status,
                Agent = agent ?? entry.Agent,
                Result = result,
                CompletedAt = Interlocked.Increment(ref ends),
            }
        );
        Mark(write, entry.Ticket);
    }

    /// <summary>The preferred agent of a task, and the task that it came from.</summary>
    public static (string? Prefers, long? Parent) Origin(DbConnection db, long task) =>
        db.QuerySingle<(string?, long?)>("SELECT prefers, parent FROM stand_in_tasks WHERE id = @task", new { task });

    // As the change of a task does, which raises a notification too.
    private void Mark(IWrite write, long ticket)
    {
        services.GetRequiredService<ITickets>().MarkGate(write, ticket);
        write.AfterCommit(services.GetRequiredService<GateBell>().Ring);
    }

    private static void Put(IWrite write, TaskEntry entry) =>
        write.Db.Execute(
            "UPDATE stand_in_tasks SET entry = @json WHERE id = @Id",
            new { entry.Id, json = JsonSerializer.Serialize(entry) }
        );
}
