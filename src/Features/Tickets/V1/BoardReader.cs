using System.Data.Common;
using Dapper;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets.V1;

/// <summary>A column with its tickets, under the names of upstream.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Name">Its name.</param>
/// <param name="SequenceOrder">Its place, from 0.</param>
/// <param name="PhaseMapping">The phases whose tickets stand in it.</param>
/// <param name="CurrentCount">The tickets in its phases; blocked ones count too.</param>
/// <param name="WipExceeded">There are more than its limit allows.</param>
/// <param name="IsTerminal">Its tickets have ended.</param>
/// <param name="Blocked">How many of its tickets are blocked.</param>
/// <param name="Waiting">The tickets that wait for room in it.</param>
/// <param name="Pull">Whether waiting tickets enter by themselves.</param>
/// <param name="Tickets">The first of its tickets, at most 100; blocked ones are in the overlay's column, if the
/// board has one.</param>
/// <param name="Description">What it is for.</param>
/// <param name="WipLimit">The most tickets.</param>
/// <param name="AutoTransitionTo">The column that tickets move to by themselves.</param>
/// <param name="ColorTheme">Its colour.</param>
internal sealed record ColumnView(
    string Id,
    string Name,
    int SequenceOrder,
    IReadOnlyList<string> PhaseMapping,
    int CurrentCount,
    bool WipExceeded,
    bool IsTerminal,
    int Blocked,
    int Waiting,
    ColumnPull Pull,
    IReadOnlyList<ColumnTicket> Tickets,
    string? Description = null,
    int? WipLimit = null,
    string? AutoTransitionTo = null,
    string? ColorTheme = null
);

/// <summary>A ticket in a column.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Title">Its title.</param>
/// <param name="PhaseId">Its phase.</param>
/// <param name="Priority">Its priority.</param>
/// <param name="Status">Its status.</param>
/// <param name="Gate">The gate of its phase.</param>
/// <param name="Held">The operator holds it.</param>
/// <param name="Rank">Its place in the column.</param>
/// <param name="Blocked">The type of its block.</param>
internal sealed record ColumnTicket(
    long Id,
    string Title,
    string PhaseId,
    string Priority,
    string Status,
    string Gate,
    bool Held,
    double Rank,
    string? Blocked = null
);

/// <summary>Reads the board with its tickets.</summary>
internal sealed class BoardReader(ColumnCounts counts)
{
    /// <summary>The most tickets of a column that are shown.</summary>
    public const int Shown = 100;

    /// <summary>All columns of a workflow.</summary>
    public IReadOnlyList<ColumnView> Read(DbConnection db, Workflow workflow)
    {
        var hasOverlay = workflow.ColumnOf(Phase.BlockedId) is not null;
        var args = new
        {
            workflow = workflow.Name,
            hasOverlay,
            Shown,
        };
        var rows = db.Query<PlacedRow>(OpenSql, args)
            .Concat(db.Query<PlacedRow>(DoneSql, args))
            .ToLookup(r => r.Blocked is not null && hasOverlay ? Phase.BlockedId : r.PhaseId);
        return [.. workflow.BoardColumns.Select((column, i) => View(workflow, column, i, rows))];
    }

    private ColumnView View(Workflow workflow, BoardColumn column, int order, ILookup<string, PlacedRow> rows)
    {
        var view = counts.View(workflow, column);
        return new ColumnView(
            Id: column.Id,
            Name: column.Name,
            SequenceOrder: order,
            PhaseMapping: column.PhaseMapping,
            CurrentCount: view.Count,
            WipExceeded: view.Count > column.WipLimit,
            IsTerminal: column.Terminal,
            Blocked: view.Blocked,
            Waiting: view.Waiting,
            Pull: column.Pull,
            Tickets:
            [
                .. column
                    .PhaseMapping.SelectMany(phase => rows[phase])
                    .OrderBy(r => r.Rank)
                    .ThenBy(r => r.Id)
                    .Take(Shown)
                    .Select(r => r.ToTicket()),
            ],
            Description: column.Description,
            WipLimit: column.WipLimit,
            AutoTransitionTo: column.AutoTransitionTo,
            ColorTheme: column.ColorTheme
        );
    }

    private const string Columns = "id, title, phase_id, priority, status, gate, held, rank, blocked";

    // The first of each phase; the blocked ones stand together where there is a column for them.
    private const string OpenSql = $"""
        SELECT {Columns}
          FROM tickets
         WHERE id IN (
            SELECT id
              FROM (
                SELECT id,
                       row_number() OVER (
                           PARTITION BY iif(blocked IS NULL OR NOT @hasOverlay, phase_id, '')
                           ORDER BY rank, id
                       ) AS place
                  FROM tickets INDEXED BY tickets_open
                 WHERE workflow = @workflow AND done_at IS NULL AND approval = 'approved'
              )
             WHERE place <= @Shown
         )
        """;

    private const string DoneSql = $"""
        SELECT {Columns}
          FROM tickets INDEXED BY tickets_done
         WHERE workflow = @workflow AND done_at IS NOT NULL AND approval = 'approved'
         ORDER BY done_at DESC, id DESC
         LIMIT @Shown
        """;

    private sealed record PlacedRow
    {
        public required long Id { get; init; }

        public required string Title { get; init; }

        public required string PhaseId { get; init; }

        public required long Priority { get; init; }

        public required string Status { get; init; }

        public required string Gate { get; init; }

        public required long Held { get; init; }

        public required double Rank { get; init; }

        public string? Blocked { get; init; }

        public ColumnTicket ToTicket() =>
            new(Id, Title, PhaseId, Priorities.Word((int)Priority), Status, Gate, Held != 0, Rank, Blocked);
    }
}
