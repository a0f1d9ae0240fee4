using System.Data.Common;
using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Tickets;

/// <summary>
/// Publishes the cards of changed tickets and the counts of changed columns. One loop does so; changes only mark them,
/// so that each is published at most four times a second however often it changes.
/// </summary>
internal sealed partial class TicketCards(
    IStore store,
    TicketViews views,
    ColumnCounts counts,
    IWorkflows workflows,
    Lazy<IEnumerable<ITicketWaits>> waits,
    EventHub hub,
    TimeProvider clock,
    ILogger<TicketCards> log
) : BackgroundService
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(250);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // The most cards that are read in one transaction, which keeps the database's log from being shortened.
    private const int PerRead = 100;

    private readonly Lock gate = new();
    private readonly Bell dirtied = new();
    private HashSet<long> tickets = [];
    private HashSet<(string Workflow, string Column)> columns = [];

    /// <summary>Called after cards or columns were published, at most four times a second.</summary>
    public event Action? Published;

    /// <summary>Publishes a ticket's card after the commit, or its removal when it is gone.</summary>
    public void Touch(IWrite write, long ticket) => write.AfterCommit(() => Mark(() => tickets.Add(ticket)));

    /// <summary>Publishes columns after the commit; also after a rollback, since a snapshot may have shown the counts
    /// that were undone.</summary>
    public void Touch(IWrite write, IReadOnlyCollection<(string Workflow, string Column)> changed)
    {
        write.AfterCommit(() => Mark(() => columns.UnionWith(changed)));
        write.OnRollback(() => Mark(() => columns.UnionWith(changed)));
    }

    /// <summary>Publishes all columns of a workflow.</summary>
    public void Touch(string workflow)
    {
        if (workflows.Find(workflow) is { } spec)
            Mark(() => columns.UnionWith(spec.BoardColumns.Select(c => (spec.Name, c.Id))));
    }

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        // Here, since the loop begins on another thread, maybe after the first changes.
        foreach (var one in waits.Value)
            one.TicketsChanged += Touch;
        return base.StartAsync(cancellationToken);
    }

    protected override Task ExecuteAsync(CancellationToken stoppingToken) =>
        dirtied.RunOnEachRing(
            async ct =>
            {
                await Publish(ct);
                await Task.Delay(Interval, clock, ct);
            },
            e =>
            {
                LogFailed(log, e);
                return true;
            },
            Pause + Interval,
            clock,
            stoppingToken
        );

    private void Touch(IReadOnlyCollection<long> changed) => Mark(() => tickets.UnionWith(changed));

    // Only the first of a burst wakes the loop.
    private void Mark(Action add)
    {
        lock (gate)
        {
            var wasEmpty = tickets.Count + columns.Count == 0;
            add();
            if (wasEmpty)
                dirtied.Ring();
        }
    }

    private async Task Publish(CancellationToken ct)
    {
        HashSet<long> ids;
        HashSet<(string Workflow, string Column)> changed;
        lock (gate)
            (ids, tickets, changed, columns) = (tickets, [], columns, []);
        try
        {
            foreach (var some in ids.Order().ToArray().Chunk(PerRead))
            {
                foreach (var change in await store.Read(db => some.Select(id => Read(db, id)).ToArray(), ct))
                {
                    if (change is not null)
                        Publish(change);
                }

                ids.ExceptWith(some);
            }
        }
        catch
        {
            // Those that were not published are published with the next try.
            lock (gate)
            {
                tickets.UnionWith(ids);
                columns.UnionWith(changed);
            }

            throw;
        }

        foreach (var (workflow, column) in changed)
        {
            if (
                workflows.Find(workflow) is { } spec
                && spec.BoardColumns.FirstOrDefault(c => c.Id == column) is { } shown
            )
                Publish(new ColumnChanged(counts.View(spec, shown)));
        }

        Published?.Invoke();
    }

    // Null for a ticket whose card cannot be made, which keeps no other card.
    private IDashboardNotification? Read(DbConnection db, long id)
    {
        try
        {
            return TicketTable.Find(db, id) is { } row ? new TicketChanged(views.Card(db, row)) : new TicketRemoved(id);
        }
        catch (Exception e) when (e is not (DbException or Problem { Code: ErrorCode.Unavailable }))
        {
            LogUnreadable(log, id, e);
            return null;
        }
    }

    private void Publish(IDashboardNotification notification) => hub.Publish(notification.ToDashboardEvent());

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not read changed tickets; will retry")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "could not make the card of ticket {Id}; it is shown as it was")]
    private static partial void LogUnreadable(ILogger logger, long id, Exception error);
}
