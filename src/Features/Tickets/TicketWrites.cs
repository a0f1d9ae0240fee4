using Hive.Common.Storage;
using Hive.Protocol;

namespace Hive.Features.Tickets;

/// <summary>Runs writes that change one ticket, and answers the ticket as it is then.</summary>
internal sealed class TicketWrites(IStore store, TicketViews views)
{
    public Task<Ticket> Change(long id, Action<IWrite> change) =>
        store.Write(
            write =>
            {
                change(write);
                return views.Whole(write.Db, id);
            },
            CancellationToken.None
        );
}
