using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>Lists the operator's messages, newest first.</summary>
internal static class OperatorInbox
{
    internal const int Shown = 50;

    internal sealed record Query(long? Limit = null) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Message> Messages, long Unread);

    internal sealed class Handler(IStore store, Inboxes inboxes) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new(
                await store.Read(db => Newest(db, Math.Clamp(request.Limit ?? Shown, 1, 200)), cancellationToken),
                inboxes.Unread(Principals.Operator)
            );
    }

    internal static IReadOnlyList<Message> Newest(System.Data.Common.DbConnection db, long limit) =>
        [.. db.Query<MessageRow.Stored>(Sql, new { limit }).Select(r => r.ToMessage())];

    private const string Sql = $"""
        SELECT {MessageRow.Columns}
          FROM messages
         WHERE recipient = 'operator'
         ORDER BY id DESC
         LIMIT @limit
        """;
}
