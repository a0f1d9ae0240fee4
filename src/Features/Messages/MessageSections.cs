using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>The operator's inbox in the snapshot.</summary>
internal sealed class InboxSection : IDashboardSection
{
    public string Name => "inbox";

    public Type Type => typeof(IReadOnlyList<Message>);

    public object Read(DbConnection db) => OperatorInbox.Newest(db, OperatorInbox.Shown);
}

/// <summary>How many messages the operator has not read, in the snapshot.</summary>
internal sealed class InboxUnreadSection : IDashboardSection
{
    public string Name => "inbox_unread";

    public Type Type => typeof(long);

    public object Read(DbConnection db) => OperatorUnread.Read(db);
}

/// <summary>The newest parked messages, in the snapshot.</summary>
internal sealed class ParkedSection : IDashboardSection
{
    public string Name => "parked";

    public Type Type => typeof(IReadOnlyList<Message>);

    public object Read(DbConnection db) =>
        db.Query<MessageRow.Stored>(
                $"""
                SELECT {MessageRow.Columns}
                  FROM messages
                 WHERE parked_at IS NOT NULL AND acked_at IS NULL
                 ORDER BY id DESC
                 LIMIT 50
                """
            )
            .Select(r => EventSentence.With(r.ToMessage()))
            .ToArray();
}

/// <summary>Unread, delayed and parked messages of an agent, on its row.</summary>
internal sealed class UnreadRowFields(Inboxes inboxes) : IAgentRowFields
{
    public ContainerView Fill(ContainerView row)
    {
        var (unread, delayed, parked) = inboxes.Waiting(row.Name);
        return row with { Unread = unread, Delayed = delayed, Parked = parked };
    }
}
