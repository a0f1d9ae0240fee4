using System.Data.Common;
using Hive.Common.Notifications;
using Hive.Protocol;

namespace Hive.Features.Waiting;

/// <summary>The whole list in the snapshot, snoozed rows included.</summary>
internal sealed class WaitingSection(WaitingList list) : IDashboardSection
{
    public string Name => "waiting";

    public Type Type => typeof(IReadOnlyList<WaitingView>);

    public object Read(DbConnection db) => list.Rows;
}
