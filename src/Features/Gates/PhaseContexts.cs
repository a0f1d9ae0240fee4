using System.Data.Common;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>The context that a phase hands on to the phases after it.</summary>
/// <param name="PhaseId">The phase.</param>
/// <param name="Summary">The rest in short.</param>
/// <param name="Tasks">Its completed tasks, in the order of their ends.</param>
/// <param name="Decisions">What was decided.</param>
/// <param name="Risks">What may go wrong.</param>
/// <param name="Notes">What else the next phases should know.</param>
/// <param name="Artifacts">What it left behind.</param>
internal sealed record PhaseContext(
    string PhaseId,
    string Summary,
    IReadOnlyList<ContextTask> Tasks,
    IReadOnlyList<string> Decisions,
    IReadOnlyList<string> Risks,
    IReadOnlyList<string> Notes,
    IReadOnlyList<Artifact> Artifacts
);

/// <summary>A completed task of a phase.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Type">Its type.</param>
/// <param name="Summary">Its summary, or its title.</param>
/// <param name="Outputs">Its further figures; one that is not an object stands in the member
/// <c>value</c>.</param>
internal sealed record ContextTask(long Id, string Type, string Summary, JsonObject? Outputs = null);

/// <summary>Packs what phases hand on, and reads it.</summary>
internal sealed class PhaseContexts(ITickets tickets, ITasks tasks, IWorkflows workflows, TimeProvider clock)
{
    /// <summary>The most bytes of what one phase hands on.</summary>
    public const int PhaseBytes = 64 << 10;

    // Of a text in a context that is too long.
    private const int TextLength = 200;

    /// <summary>The context that a phase hands on, ready to be stored.</summary>
    /// <param name="Ticket">The ticket.</param>
    /// <param name="PhaseId">The phase.</param>
    /// <param name="Data">The context as JSON.</param>
    /// <param name="Summary">The phase in short.</param>
    /// <param name="OfTicket">All phases of the ticket in short.</param>
    internal sealed record Packed(long Ticket, string PhaseId, string Data, string Summary, string OfTicket);

    /// <summary>Packs what a phase hands on, and the ticket's summary of all its phases.</summary>
    public Packed Pack(DbConnection db, TicketEntry ticket, string phaseId)
    {
        var context = Fitting(Make(tasks.Of(db, ticket.Id), phaseId, ArtifactTable.Of(db, ticket.Id, phaseId)));
        var all = InOrder(ticket, Stored(db, ticket.Id).Where(c => c.PhaseId != phaseId).Append(context));
        return new Packed(ticket.Id, phaseId, Json(context), context.Summary, ContextSummary.Of(all, NameOf(ticket)));
    }

    /// <summary>Stores what was packed.</summary>
    public void Store(IWrite write, Packed packed)
    {
        write.Db.Execute(
            """
            INSERT OR REPLACE INTO phase_context (ticket, phase_id, data, summary, at)
            VALUES (@Ticket, @PhaseId, @Data, @Summary, @at)
            """,
            new
            {
                packed.Ticket,
                packed.PhaseId,
                packed.Data,
                packed.Summary,
                at = clock.GetUtcNow().ToUnixTimeMilliseconds(),
            }
        );
        tickets.SetContextSummary(write, packed.Ticket, packed.OfTicket);
    }

    /// <summary>The contexts of a ticket's phases in the order of the workflow; a phase that it does not have any more
    /// comes last.</summary>
    public IReadOnlyList<PhaseContext> Of(DbConnection db, TicketEntry ticket) =>
        InOrder(ticket, Stored(db, ticket.Id));

    /// <summary>The phases before one in short, each by itself: what they handed on is not read for it. Null for
    /// none.</summary>
    public string? SummaryBefore(DbConnection db, TicketEntry ticket, string phaseId)
    {
        var order = Phases(ticket);
        var place = order.IndexOf(phaseId);
        if (place == 0)
            return null;
        var name = NameOf(ticket);
        string[] points =
        [
            .. db.Query<(string PhaseId, string Summary)>(
                    "SELECT phase_id, summary FROM phase_context WHERE ticket = @Id",
                    new { ticket.Id }
                )
                .Where(c => place < 0 || (uint)order.IndexOf(c.PhaseId) < place)
                .OrderBy(c => (uint)order.IndexOf(c.PhaseId))
                .Select(c => $"{name(c.PhaseId)}: {c.Summary}"),
        ];
        return points.Length == 0 ? null : ContextSummary.Of(points);
    }

    /// <summary>The contexts of the phases before one; of all phases when the workflow does not have it.</summary>
    public IReadOnlyList<PhaseContext> Before(DbConnection db, TicketEntry ticket, string phaseId)
    {
        var order = Phases(ticket);
        var place = order.IndexOf(phaseId);
        var all = Of(db, ticket);
        return place < 0 ? all : [.. all.Where(c => order.IndexOf(c.PhaseId) is var i && i >= 0 && i < place)];
    }

    /// <summary>The summary of what phases handed on; null for none.</summary>
    public string? Summary(TicketEntry ticket, IReadOnlyList<PhaseContext> contexts) =>
        contexts.Count == 0 ? null : ContextSummary.Of(contexts, NameOf(ticket));

    public static void RemoveOf(IWrite write, long ticket) =>
        write.Db.Execute("DELETE FROM phase_context WHERE ticket = @ticket", new { ticket });

    private static IEnumerable<PhaseContext> Stored(DbConnection db, long ticket) =>
        db.Query<string>("SELECT data FROM phase_context WHERE ticket = @ticket", new { ticket })
            .Select(data => JsonSerializer.Deserialize<PhaseContext>(data, WireJson.Options)!);

    private IReadOnlyList<PhaseContext> InOrder(TicketEntry ticket, IEnumerable<PhaseContext> contexts)
    {
        var order = Phases(ticket);
        return
        [
            .. contexts.OrderBy(c => (uint)order.IndexOf(c.PhaseId)).ThenBy(c => c.PhaseId, StringComparer.Ordinal),
        ];
    }

    private static string Json(PhaseContext context) => JsonSerializer.Serialize(context, WireJson.Options);

    /// <summary>A context of at most <see cref="PhaseBytes"/>: without the outputs of its tasks, then without notes,
    /// then with short texts and as many entries of each kind as fit. It says so.</summary>
    internal static PhaseContext Fitting(PhaseContext context)
    {
        const string Said = "More was handed on than is kept; the tasks themselves have the rest.";
        if (IsFitting(context))
            return context;
        context = context with
        {
            Tasks = [.. context.Tasks.Select(t => t with { Outputs = null })],
            Notes = [.. context.Notes, Said],
        };
        if (IsFitting(context))
            return context;
        context = context with { Notes = [Said] };
        if (IsFitting(context))
            return context;
        context = context with
        {
            Tasks = [.. context.Tasks.Select(t => t with { Summary = TextRules.Cut(t.Summary, TextLength) })],
            Decisions = [.. context.Decisions.Select(d => TextRules.Cut(d, TextLength))],
            Risks = [.. context.Risks.Select(r => TextRules.Cut(r, TextLength))],
        };
        for (var most = 512; !IsFitting(context) && most > 0; most /= 2)
            context = context with
            {
                Tasks = [.. context.Tasks.Take(most)],
                Decisions = [.. context.Decisions.Take(most)],
                Risks = [.. context.Risks.Take(most)],
                Artifacts = [.. context.Artifacts.Take(most)],
            };
        return context;
    }

    private static bool IsFitting(PhaseContext context) => Encoding.UTF8.GetByteCount(Json(context)) <= PhaseBytes;

    private static PhaseContext Make(IReadOnlyList<TaskEntry> all, string phaseId, IReadOnlyList<Artifact> artifacts)
    {
        TaskEntry[] completed =
        [
            .. all.Where(t => t.PhaseId == phaseId && t.Kind != GateCase.ReviewKind && t.Status == "completed")
                .OrderBy(t => t.CompletedAt)
                .ThenBy(t => t.Id),
        ];
        TaskResult[] results = [.. completed.Select(t => t.Result).OfType<TaskResult>()];
        ContextTask[] done =
        [
            .. completed.Select(t => new ContextTask(
                t.Id,
                t.TaskType,
                t.Result is { Summary.Length: > 0 } result ? result.Summary : t.Title,
                Outputs(t.Result?.Outputs)
            )),
        ];
        string[] decisions = [.. results.SelectMany(r => r.Decisions).Distinct()];
        string[] risks = [.. results.SelectMany(r => r.Risks).Distinct()];
        return new PhaseContext(
            phaseId,
            ContextSummary.OfPhase(done, decisions, risks),
            done,
            decisions,
            risks,
            [.. results.SelectMany(r => r.Notes).Distinct()],
            [.. Rework.Latest(artifacts.Where(a => a.SupersededAt is null), all).OrderBy(a => a.Id)]
        );
    }

    private static JsonObject? Outputs(JsonElement? outputs) =>
        outputs switch
        {
            null or { ValueKind: JsonValueKind.Null or JsonValueKind.Undefined } => null,
            { ValueKind: JsonValueKind.Object } members => JsonObject.Create(members.Clone()),
            { } value => new JsonObject { ["value"] = JsonSerializer.SerializeToNode(value) },
        };

    private List<string> Phases(TicketEntry ticket) =>
        [.. (workflows.Find(ticket.Workflow)?.Phases ?? []).Select(p => p.Id)];

    private Func<string, string> NameOf(TicketEntry ticket)
    {
        var phases = workflows.Find(ticket.Workflow)?.Phases ?? [];
        return id => phases.FirstOrDefault(p => p.Id == id)?.Name ?? id;
    }
}
