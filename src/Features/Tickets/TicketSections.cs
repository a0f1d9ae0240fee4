using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>The columns of all boards in the snapshot, with exact counts.</summary>
internal sealed class BoardSection(IWorkflows workflows, ColumnCounts counts) : IDashboardSection
{
    public string Name => "board";

    public Type Type => typeof(IReadOnlyList<BoardColumnView>);

    public object Read(DbConnection db) => workflows.All.SelectMany(w => counts.View(w.Spec)).ToArray();
}
