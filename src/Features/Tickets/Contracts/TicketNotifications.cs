using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tickets.Contracts;

/// <summary>Raised with the card of a ticket that changed.</summary>
internal sealed record TicketChanged(TicketCard Ticket) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("ticket_changed", "ticket", Ticket);
}

/// <summary>Raised when a ticket was deleted.</summary>
internal sealed record TicketRemoved(long Id) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("ticket_removed", "id", Id);
}

/// <summary>Raised when the counts of a column changed.</summary>
internal sealed record ColumnChanged(BoardColumnView Column) : IDashboardNotification
{
    /// <inheritdoc />
    public DashboardEvent ToDashboardEvent() => new("column_changed", "column", Column);
}

/// <summary>Raised when a ticket begins or ceases to wait for the operator.</summary>
/// <param name="Kind">The kind of waiting thing.</param>
/// <param name="Id">The ticket.</param>
/// <param name="Thing">What waits; null when it ceases to.</param>
internal sealed record TicketWaits(string Kind, string Id, WaitingThing? Thing) : INotification
{
    /// <summary>Takes it into the list.</summary>
    public void Apply(IWaitingChanges changes)
    {
        if (Thing is null)
            changes.Remove(Id);
        else
            changes.Put(Thing);
    }
}
