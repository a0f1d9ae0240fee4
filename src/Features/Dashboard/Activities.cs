using Hive.Common.Activities;
using Hive.Protocol;

namespace Hive.Features.Dashboard;

/// <summary>Computes what an agent is doing: of the states that the slices name, the first in the table of states; of
/// two equal ones the later. The turn, its tool and the context are shown with every state.</summary>
internal sealed class Activities(IEnumerable<IActivitySource> sources) : IActivities
{
    private readonly IActivitySource[] sources = [.. sources];

    /// <inheritdoc />
    public Activity? Of(string agent)
    {
        var all = sources.SelectMany(source => source.Read(agent)).ToList();
        var first = all.OrderBy(a => ActivityState.Rank(a.State)).ThenByDescending(a => a.SinceAt).FirstOrDefault();
        if (first is null)
            return null;
        var turn = all.Find(a => a.Turn is not null);
        return first with
        {
            Turn = turn?.Turn,
            TurnStartedAt = turn?.TurnStartedAt,
            Tool = turn?.Tool,
            ContextPercent = all.Find(a => a.ContextPercent is not null)?.ContextPercent,
        };
    }
}
