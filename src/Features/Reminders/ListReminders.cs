using System.Data.Common;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Reminders;

/// <summary>Lists the pending reminders of all agents, the next due first.</summary>
internal static class ListReminders
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<ReminderView> Reminders);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(await store.Read(Pending, cancellationToken));
    }

    /// <summary>The pending reminders, inside a read of the caller.</summary>
    public static IReadOnlyList<ReminderView> Pending(DbConnection db) =>
        [
            .. db.Query<ReminderRow>(
                    $"""
                    SELECT {ReminderRow.Columns}
                      FROM reminders INDEXED BY reminders_pending
                     WHERE sent_at IS NULL
                     ORDER BY due_at, id
                    """
                )
                .Select(r => r.ToView()),
        ];
}
