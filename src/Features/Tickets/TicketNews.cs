using System.Text.Json;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Tells the manager what becomes of tickets. Its own doing is not told to it.</summary>
internal sealed class TicketNews(IOutbox outbox)
{
    // Leaves room for the other members within the limit of a host's body.
    private const int ReasonBytes = Limits.HostBodyBytes / 2;

    /// <summary>A ticket has ended.</summary>
    public void Done(IWrite write, TicketRow ticket, string actor) =>
        Tell(
            write,
            actor,
            new
            {
                @event = "ticket_done",
                ticket.Id,
                ticket.Title,
                ticket.Workflow,
                ticket.PhaseId,
                by = actor,
            }
        );

    /// <summary>A ticket was blocked.</summary>
    public void Blocked(IWrite write, TicketRow ticket, string actor) =>
        Tell(
            write,
            actor,
            new
            {
                @event = "ticket_blocked",
                ticket.Id,
                ticket.Title,
                ticket.PhaseId,
                type = ticket.Blocked,
                reason = TextRules.Cut(ticket.BlockedReason ?? "", ReasonBytes),
                by = actor,
            }
        );

    private void Tell(IWrite write, string actor, object news)
    {
        if (actor != Principals.Manager)
            outbox.Append(
                write,
                Principals.System,
                Principals.Manager,
                JsonSerializer.Serialize(news, WireJson.Options)
            );
    }
}
