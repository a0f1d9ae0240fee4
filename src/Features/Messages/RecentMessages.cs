using Dapper;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Lists an agent's latest messages, newest first, without leasing them.</summary>
internal static class RecentMessages
{
    internal sealed record Query(Caller Caller, long? Limit = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Message> Rows);

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result([
                    .. db.Query<MessageRow.Stored>(
                            Sql,
                            new { name = request.Caller.Name, limit = Math.Clamp(request.Limit ?? 30, 1, 200) }
                        )
                        .Select(r => r.ToMessage()),
                ]),
                cancellationToken
            );

        private const string Sql = $"""
            SELECT {MessageRow.Columns}
              FROM messages
             WHERE recipient = @name
             ORDER BY id DESC
             LIMIT @limit
            """;
    }
}
