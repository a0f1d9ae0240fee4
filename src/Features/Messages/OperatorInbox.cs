using Dapper;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Messages;

/// <summary>
/// Lists the operator's messages, newest first: of each sender the newest ones, so that no sender hides the others, and
/// in the room that is left the newest of the rest. Whether they are read makes no difference, so that a reader who
/// follows the events keeps the same list.
/// </summary>
internal static class OperatorInbox
{
    internal const int Shown = 50;

    /// <summary>How many messages of each sender come first into the list.</summary>
    private const int OfEach = 3;

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
        [
            .. db.Query<MessageRow.Stored>(Sql, new { limit, ofEach = OfEach })
                .Select(r => EventSentence.With(r.ToMessage())),
        ];

    // Steps from sender to sender in the index.
    private const string Sql = $"""
        WITH RECURSIVE
            senders (sender) AS (
                SELECT min(sender) {BySender}
                UNION ALL
                SELECT (SELECT min(sender) {BySender} AND sender > s.sender) FROM senders AS s WHERE s.sender NOT NULL
            ),
            newest (id, round) AS (
                SELECT m.id, row_number() OVER (PARTITION BY s.sender ORDER BY m.id DESC)
                  FROM senders AS s
                  JOIN messages AS m INDEXED BY messages_to_operator_of_sender
                    ON m.recipient = 'operator' AND m.sender = s.sender
                   AND m.id > coalesce((
                           SELECT id {BySender} AND sender = s.sender ORDER BY id DESC LIMIT 1 OFFSET @ofEach), 0)
            ),
            fair (id) AS (SELECT id FROM newest ORDER BY round, id DESC LIMIT @limit),
            listed (id) AS (
                SELECT id FROM fair
                UNION ALL
                SELECT id FROM (
                    SELECT id
                      FROM messages INDEXED BY messages_to_operator
                     WHERE recipient = 'operator' AND id NOT IN (SELECT id FROM fair)
                     ORDER BY id DESC
                     LIMIT @limit - (SELECT count(*) FROM fair))
            )
        SELECT {MessageRow.Columns} FROM messages WHERE id IN (SELECT id FROM listed) ORDER BY id DESC
        """;

    private const string BySender =
        "FROM messages INDEXED BY messages_to_operator_of_sender WHERE recipient = 'operator'";
}
