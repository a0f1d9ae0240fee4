using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>The cards in the snapshot: the newest open tickets, and those that ended last.</summary>
internal sealed class TicketsSection(TicketViews views) : IDashboardSection
{
    private const int OpenShown = 2000;

    /// <summary>How many tickets that have ended the snapshot lists.</summary>
    public const int DoneShown = 50;

    public string Name => "tickets";

    public Type Type => typeof(IReadOnlyList<TicketCard>);

    public object Read(DbConnection db) =>
        views.Cards(
            db,
            [
                .. db.Prepare(OpenSql).Bind(1, OpenShown).All<TicketRow>(),
                .. db.Prepare(DoneSql).Bind(1, DoneShown).All<TicketRow>(),
            ]
        );

    private const string OpenSql = $"""
        SELECT {TicketRow.CardColumns}
          FROM tickets INDEXED BY tickets_open
         WHERE done_at IS NULL
         ORDER BY id DESC
         LIMIT ?1
        """;

    private const string DoneSql = $"""
        SELECT {TicketRow.CardColumns}
          FROM tickets INDEXED BY tickets_done
         WHERE done_at IS NOT NULL
         ORDER BY done_at DESC, id DESC
         LIMIT ?1
        """;
}

/// <summary>The columns of all boards in the snapshot, with exact counts.</summary>
internal sealed class BoardSection(IWorkflows workflows, ColumnCounts counts) : IDashboardSection
{
    public string Name => "board";

    public Type Type => typeof(IReadOnlyList<BoardColumnView>);

    public object Read(DbConnection db) => workflows.All.SelectMany(w => counts.View(w.Spec)).ToArray();
}
