using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Lists all messages, a page at a time, the oldest of a page first.</summary>
internal static class MessageHistory
{
    internal const int PageSize = 200;

    internal sealed record Query(long? Before = null) : IRequest<Result>;

    internal sealed record Result(string Cursor, IReadOnlyList<Message> Messages);

    internal sealed class Handler(IStore store, EventHub hub) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            // Taken before the read, so that an event between the two is replayed and not missed.
            var cursor = hub.Head.ToString();
            var rows = await store.Read(
                db =>
                    db.Query<MessageRow.Stored>(Sql, new { before = request.Before ?? long.MaxValue, limit = PageSize })
                        .Select(r => r.ToMessage())
                        .Reverse()
                        .ToArray(),
                cancellationToken
            );
            return new Result(cursor, rows);
        }

        private const string Sql = $"""
            SELECT {MessageRow.Columns}
              FROM messages
             WHERE id < @before
             ORDER BY id DESC
             LIMIT @limit
            """;
    }
}
