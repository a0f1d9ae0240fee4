using System.Data.Common;
using Dapper;
using Hive.Protocol;

namespace Hive.Features.Messages;

/// <summary>
/// Finds messages, newest first. Indexed messages are found through the index that serves the narrowest filter; the few
/// newer ones, which are not indexed yet, are looked through.
/// </summary>
internal sealed class HistorySearch
{
    private const string Unread = "m.acked_at IS NULL AND m.parked_at IS NULL AND m.delivered_at IS NULL";
    private const string Parked = "m.acked_at IS NULL AND m.parked_at IS NOT NULL";

    private readonly MessageHistory.Query query;
    private readonly SearchWords? words;
    private readonly string? expression;

    public HistorySearch(MessageHistory.Query query)
    {
        this.query = query;
        words = SearchWords.Of(query.Q);
        expression = words?.Expression;
    }

    private bool NeedsIndex =>
        (query.Agent ?? query.Kind) is not null || query.Thread is not null || words is not null || HasTime;

    private bool HasTime => (query.Since ?? query.Until) is not null;

    /// <summary>The newest messages that match.</summary>
    public IReadOnlyList<Message> Find(DbConnection db, int most)
    {
        var indexed = NeedsIndex ? MessageIndexer.Newest(db) : 0;
        var thread = query.Thread is { } id ? RootOf(db, id) : (long?)null;
        var since = query.Since?.ToUnixTimeMilliseconds();
        // An instant between two milliseconds is after the first.
        var until = query.Until is { } end
            ? end.AddTicks(TimeSpan.TicksPerMillisecond - 1).ToUnixTimeMilliseconds()
            : (long?)null;
        var given = new
        {
            before = query.Before ?? long.MaxValue,
            since,
            until,
            // The wall clock can jump, so that the ids of a time may have others between them.
            first = since is null ? 0 : db.ExecuteScalar<long?>(FirstSql, new { since }) ?? long.MaxValue,
            last = until is null ? long.MaxValue : db.ExecuteScalar<long?>(LastSql, new { until }) ?? 0,
            query.Agent,
            query.With,
            query.Kind,
            indexed,
            thread,
            expression,
            exact = words?.Exact,
            signs = words?.Signs,
        };
        List<Message> found = [];
        if (!NeedsIndex)
        {
            found.AddRange(Read(db, PlainSql(), given).Take(most));
            return found;
        }

        var inTail = thread is { } root ? TailOf(db, root, indexed) : null;
        found.AddRange(Read(db, TailSql(), given).Where(m => inTail?.Contains(m.Id) != false).Take(most));
        if (found.Count < most)
            found.AddRange(Read(db, IndexedSql(), given).Take(most - found.Count));
        return found;
    }

    /// <summary>The statement for indexed messages.</summary>
    internal string IndexedSql()
    {
        if (query.Thread is not null)
            return Select("message_index i INDEXED BY message_index_thread CROSS JOIN messages m ON m.id = i.id")
                + $" WHERE i.thread = @thread AND i.id < @before{Time("i.id")}{Party("i")}{Kind()}{State()}"
                + Newest("i.id");
        if (expression is not null)
        {
            var join = (query.Agent ?? query.Kind) is null
                ? "message_words CROSS JOIN messages m ON m.id = message_words.rowid"
                : "message_words CROSS JOIN message_index i ON i.id = message_words.rowid "
                    + "CROSS JOIN messages m ON m.id = i.id";
            return Select(join)
                + " WHERE message_words MATCH @expression AND message_words.rowid < @before"
                + $"{Time("message_words.rowid")}{Party("i")}{Kind()}{State()}{Newest("message_words.rowid")}";
        }

        if (query.State is not null)
            return Select($"messages m INDEXED BY {StateIndex} CROSS JOIN message_index i ON i.id = m.id")
                + $" WHERE {Of(query.State)} AND m.id < @before{Time("m.id")}{Party("i")}{Kind()}{Exact()}"
                + Newest("m.id");
        if (query.Agent is not null)
            return AgentSql();
        if (query.Kind is not null)
            return Select("message_index i INDEXED BY message_index_kind CROSS JOIN messages m ON m.id = i.id")
                + $" WHERE i.kind = @Kind AND i.id < @before{Time("i.id")}{Exact()}{Newest("i.id")}";
        // Every row of the index, which is a fifth of the bodies.
        return Select("message_index i CROSS JOIN messages m ON m.id = i.id")
            + $" WHERE i.id < @before{Time("i.id")}{Exact()}{Newest("i.id")}";
    }

    // Two ordered lists, which SQLite merges row by row; it knows the order of i.id alone.
    private string AgentSql()
    {
        const string Joined = "CROSS JOIN messages m ON m.id = i.id";
        const string Columns = $"SELECT i.id, {MessageRow.DetailColumnsBesideId} FROM message_index i";
        var rest = $" AND i.id < @before{Time("i.id")}{Kind()}{Exact()}";
        var sent = query.With is null ? "message_index_sender" : "message_index_pair";
        var to = query.With is null ? "" : " AND i.recipient = @With";
        var received = query.With is null ? "message_index_recipient" : "message_index_pair";
        // A message to oneself is in the first list.
        var from = query.With is null
            ? "i.recipient = @Agent AND i.sender <> @Agent"
            : "i.sender = @With AND i.recipient = @Agent AND @With <> @Agent";
        return $"{Columns} INDEXED BY {sent} {Joined} WHERE i.sender = @Agent{to}{rest} UNION ALL "
            + $"{Columns} INDEXED BY {received} {Joined} WHERE {from}{rest}{Newest("1")}";
    }

    private string TailSql() =>
        Select("messages m")
        + " WHERE m.id > @indexed AND m.id < @before"
        + Party("m")
        + (query.Kind is null ? "" : $" AND {MessageKind.Sql} = @Kind")
        + State()
        + SentAt()
        + Newest("m.id");

    private string PlainSql() =>
        query.State is null
            ? Select("messages m") + $" WHERE m.id < @before{Newest("m.id")}"
            : Select($"messages m INDEXED BY {StateIndex}")
                + $" WHERE {Of(query.State)} AND m.id < @before{Newest("m.id")}";

    private string StateIndex => query.State == "parked" ? "messages_parked" : "messages_open";

    private static string Select(string from) => $"SELECT {MessageRow.DetailColumns} FROM {from}";

    private static string Newest(string id) => $" ORDER BY {id} DESC";

    private static string Of(string state) => state == "parked" ? Parked : Unread;

    private string State() => query.State is { } state ? $" AND {Of(state)}" : "";

    // The ids bound the part of the index that is read.
    private string Time(string id) =>
        (query.Since is null ? "" : $" AND {id} >= @first")
        + (query.Until is null ? "" : $" AND {id} <= @last")
        + SentAt();

    private string SentAt() =>
        (query.Since is null ? "" : " AND m.sent_at >= @since")
        + (query.Until is null ? "" : " AND m.sent_at < @until");

    private string Kind() => query.Kind is null ? "" : " AND i.kind = @Kind";

    // Words without letters are not in the index of words.
    private string Exact() =>
        words is not null && expression is null ? " AND (i.signs & @signs) = @signs AND instr(m.body, @exact) > 0" : "";

    private string Party(string table) =>
        (query.Agent, query.With) switch
        {
            (null, _) => "",
            (_, null) => $" AND ({table}.sender = @Agent OR {table}.recipient = @Agent)",
            _ => $" AND (({table}.sender = @Agent AND {table}.recipient = @With) "
                + $"OR ({table}.sender = @With AND {table}.recipient = @Agent))",
        };

    // Row by row, so that SQLite stops when enough are found.
    private IEnumerable<Message> Read(DbConnection db, string sql, object given) =>
        db.Query<MessageRow.Stored>(sql, given, buffered: false)
            .Select(row => row.ToDetailedMessage())
            .Where(m => words?.Match(m.Body) != false)
            .Select(EventSentence.With);

    // The first message of the thread, or the number of the deleted one that began it.
    private static long RootOf(DbConnection db, long id)
    {
        for (var (at, steps) = (id, 0); ; steps++)
        {
            var row = db.QuerySingleOrDefault<Parent>(ParentSql, new { at });
            if (row?.Thread is { } known)
                return known;
            // The parent has a lower id, so that this ends; not indexed yet are few.
            if (row?.InReplyTo is { } parent && parent < at)
            {
                at = parent;
                continue;
            }

            if (row is not null || steps > 0 || db.ExecuteScalar<long?>(RepliesSql, new { at }) is not null)
                return at;
            throw GetMessage.NotFound(id);
        }
    }

    // Those of the thread that are not indexed yet.
    private static HashSet<long> TailOf(DbConnection db, long root, long indexed)
    {
        HashSet<long> found = [root];
        // In rising order: an answer comes after the message that it answers.
        foreach (var row in db.Query<Reply>(TailRepliesSql, new { indexed }, buffered: false))
        {
            if (row.Thread == root || found.Contains(row.InReplyTo))
                found.Add(row.Id);
        }

        return found;
    }

    private const string FirstSql = "SELECT min(id) FROM message_index WHERE sent_at >= @since";

    private const string LastSql = "SELECT max(id) FROM message_index WHERE sent_at < @until";

    private const string ParentSql = """
        SELECT m.in_reply_to, i.thread
          FROM messages m LEFT JOIN message_index i ON i.id = m.id
         WHERE m.id = @at
        """;

    private const string RepliesSql = "SELECT id FROM message_index WHERE thread = @at LIMIT 1";

    private const string TailRepliesSql = """
        SELECT m.id, m.in_reply_to, i.thread
          FROM messages m LEFT JOIN message_index i ON i.id = m.in_reply_to
         WHERE m.id > @indexed AND m.in_reply_to IS NOT NULL
         ORDER BY m.id
        """;

    private sealed record Parent
    {
        public long? InReplyTo { get; init; }

        public long? Thread { get; init; }
    }

    private sealed record Reply
    {
        public required long Id { get; init; }

        public required long InReplyTo { get; init; }

        public long? Thread { get; init; }
    }
}
