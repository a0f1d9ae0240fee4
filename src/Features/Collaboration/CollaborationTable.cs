using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Collaboration;

/// <summary>Reads and writes the rows of threads and posts; it decides nothing.</summary>
internal sealed class ThreadTable(IReadMarks marks)
{
    public static ThreadRow? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<ThreadRow>($"SELECT {ThreadRow.Columns} FROM threads WHERE id = @id", new { id });

    public static ThreadRow Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"thread {id} not found");

    /// <summary>Threads, the newest first.</summary>
    public static List<ThreadRow> List(DbConnection db, ThreadFilter filter)
    {
        var source =
            filter.Ticket is not null ? "threads INDEXED BY threads_ticket WHERE ticket = @Ticket"
            : filter.Status == ThreadStatus.Active ? "threads INDEXED BY threads_active WHERE status = 'active'"
            : "threads WHERE true";
        return db.Query<ThreadRow>(
                $"""
                SELECT {ThreadRow.Columns}
                  FROM {source}
                   AND id < @before
                   AND (@Task IS NULL OR task = @Task)
                   AND (@Status IS NULL OR status = @Status)
                   AND (@Agent IS NULL OR EXISTS (SELECT 1 FROM json_each(participants) WHERE value = @Agent))
                 ORDER BY id DESC
                 LIMIT @limit
                """,
                new
                {
                    filter.Ticket,
                    filter.Task,
                    filter.Status,
                    filter.Agent,
                    before = filter.Before ?? long.MaxValue,
                    limit = Math.Clamp(filter.Limit, 1, ThreadFilter.Most),
                }
            )
            .AsList();
    }

    /// <summary>How many active threads somebody has opened; those of handoffs do not count.</summary>
    public static long CountActive(DbConnection db, string opener) =>
        db.ExecuteScalar<long>(
            """
            SELECT count(*)
              FROM threads INDEXED BY threads_active
             WHERE status = 'active' AND created_by = @opener
               AND NOT EXISTS (SELECT 1 FROM handoffs h INDEXED BY handoffs_thread WHERE h.thread = threads.id)
            """,
            new { opener }
        );

    /// <summary>The views of threads, with the handoff of each.</summary>
    public static IReadOnlyList<ThreadView> Views(DbConnection db, IReadOnlyCollection<ThreadRow> rows)
    {
        var handoffs = HandoffTable.OfThreads(db, rows.Select(row => row.Id)).ToDictionary(h => h.Thread);
        return [.. rows.Select(row => row.ToView(handoffs.GetValueOrDefault(row.Id)))];
    }

    public static ThreadView View(DbConnection db, ThreadRow row) => Views(db, [row])[0];

    /// <summary>Stores a new thread; its id and its times are given here.</summary>
    public static ThreadRow Insert(IWrite write, ThreadRow row) =>
        Require(
            write.Db,
            write.Db.ExecuteScalar<long>(
                """
                INSERT INTO threads (type, ticket, task, subject, participants, status, data, created_by, created_at,
                                     last_at)
                VALUES (@Type, @Ticket, @Task, @Subject, @Participants, @Status, @Data, @CreatedBy, @CreatedAt, @LastAt)
                RETURNING id
                """,
                row
            )
        );

    public static ThreadRow Update(IWrite write, ThreadRow row)
    {
        write.Db.Execute(
            """
            UPDATE threads
               SET participants = @Participants, status = @Status, last_at = @LastAt, closed_at = @ClosedAt
             WHERE id = @Id
            """,
            row
        );
        return Require(write.Db, row.Id);
    }

    public static PostRow Insert(IWrite write, PostRow row) =>
        row with
        {
            Id = write.Db.ExecuteScalar<long>(
                """
                INSERT INTO posts (thread, author, type, body, refs, to_agent, data, at)
                VALUES (@Thread, @Author, @Type, @Body, @Refs, @ToAgent, @Data, @At)
                RETURNING id
                """,
                row
            ),
        };

    public static void Insert(IWrite write, long message, long post, string recipient) =>
        write.Db.Execute(
            "INSERT INTO post_messages (message, post, recipient) VALUES (@message, @post, @recipient)",
            new
            {
                message,
                post,
                recipient,
            }
        );

    public static PostRow RequirePost(DbConnection db, long id) =>
        db.QuerySingleOrDefault<PostRow>($"SELECT {PostRow.Columns} FROM posts WHERE id = @id", new { id })
        ?? throw Problem.NotFound($"post {id} not found");

    /// <summary>The message with which a recipient got a post; null when it got none.</summary>
    public static long? MessageOf(DbConnection db, long post, string recipient) =>
        db.ExecuteScalar<long?>(
            """
            SELECT message
              FROM post_messages INDEXED BY post_messages_post
             WHERE post = @post AND recipient = @recipient
            """,
            new { post, recipient }
        );

    /// <summary>The first post of a thread that has one.</summary>
    public static PostRow FirstPost(DbConnection db, long thread) =>
        db.QueryFirst<PostRow>(
            $"SELECT {PostRow.Columns} FROM posts INDEXED BY posts_thread WHERE thread = @thread ORDER BY id LIMIT 1",
            new { thread }
        );

    /// <summary>Posts of a thread, the newest first.</summary>
    public static List<PostRow> Posts(DbConnection db, long thread, int limit, long? before) =>
        db.Query<PostRow>(
                $"""
                SELECT {PostRow.Columns}
                  FROM posts INDEXED BY posts_thread
                 WHERE thread = @thread AND id < @before
                 ORDER BY id DESC
                 LIMIT @limit
                """,
                new
                {
                    thread,
                    limit,
                    before = before ?? long.MaxValue,
                }
            )
            .AsList();

    /// <summary>Posts of a thread that not every recipient has read, the newest first.</summary>
    public List<PostRow> Unread(DbConnection db, long thread, int limit, long? before) =>
        db.Query<PostRow>(
                $"""
                SELECT {PostRow.Columns}
                  FROM posts INDEXED BY posts_thread
                 WHERE thread = @thread AND id < @before
                   AND EXISTS (
                       SELECT 1
                         FROM post_messages s INDEXED BY post_messages_post
                        WHERE s.post = posts.id AND {marks.IsUnread("s.message")})
                 ORDER BY id DESC
                 LIMIT @limit
                """,
                new
                {
                    thread,
                    limit,
                    before = before ?? long.MaxValue,
                }
            )
            .AsList();

    /// <summary>The views of posts, with those who have read each. A recipient has read a post when its message is
    /// acknowledged. A message that was deleted counts as read: the broker deletes those that were acknowledged 30 days
    /// ago, and those of a purged agent.</summary>
    public IReadOnlyList<PostView> Views(DbConnection db, IReadOnlyCollection<PostRow> rows)
    {
        var sent = db.Query<(long Post, long Message, string Recipient)>(
                """
                SELECT post, message, recipient
                  FROM post_messages INDEXED BY post_messages_post
                 WHERE post IN (SELECT value FROM json_each(@ids))
                 ORDER BY message
                """,
                new { ids = Rows.Json(rows.Select(row => row.Id)) }
            )
            .ToLookup(s => s.Post, s => (s.Message, s.Recipient));
        var stored = marks.Of(db, [.. sent.SelectMany(of => of.Select(s => s.Message))]);
        return [.. rows.Select(row => View(row, [.. sent[row.Id]], stored))];
    }

    public PostView View(DbConnection db, PostRow row) => Views(db, [row])[0];

    /// <summary>The posts of a deleted thread, with its handoff, which has a post from the first. Each post may have
    /// sixteen messages.</summary>
    public static LeftRows LeftPosts { get; } =
        new(
            "posts",
            "SELECT id FROM posts WHERE thread = @id LIMIT 20",
            "DELETE FROM handoffs WHERE thread = (SELECT thread FROM posts WHERE id = @key)",
            "DELETE FROM post_messages WHERE post = @key",
            "DELETE FROM posts WHERE id = @key"
        );

    /// <summary>Removes the threads of a ticket with all that is in them. Nothing of a thread is found without it.
    /// </summary>
    /// <returns>The ids of the threads.</returns>
    public static IReadOnlyList<long> RemoveOf(IWrite write, long ticket)
    {
        var threads = write
            .Db.Query<long>("DELETE FROM threads WHERE ticket = @ticket RETURNING id", new { ticket })
            .AsList();
        Leftovers.Note(write, LeftPosts, threads);
        return threads;
    }

    private static PostView View(
        PostRow row,
        (long Message, string Recipient)[] sent,
        IReadOnlyDictionary<long, DateTimeOffset?> stored
    )
    {
        bool IsRead(long message) => !stored.TryGetValue(message, out var at) || at is not null;
        string[] unread = [.. sent.Where(s => !IsRead(s.Message)).Select(s => s.Recipient)];
        return new PostView(
            row.Id,
            row.Thread,
            row.Author,
            row.Type,
            row.Body,
            Rows.List(row.Refs),
            Rows.Instant(row.At),
            [.. sent.Where(s => IsRead(s.Message)).Select(s => s.Recipient)],
            unread,
            unread.Length > 0 || sent.Length == 0
                ? null
                : sent.Max(s => stored.GetValueOrDefault(s.Message)) ?? Rows.Instant(row.At),
            row.ToAgent,
            Rows.Object(row.Data)
        );
    }
}

/// <summary>Which threads to list.</summary>
internal sealed record ThreadFilter(
    string? Agent = null,
    long? Ticket = null,
    long? Task = null,
    string? Status = null,
    int Limit = ThreadFilter.Most,
    long? Before = null
)
{
    /// <summary>The most of one answer.</summary>
    public const int Most = 200;
}

/// <summary>Reads and writes the rows of handoffs; it decides nothing.</summary>
internal static class HandoffTable
{
    public static HandoffRow? Find(DbConnection db, long id) =>
        db.QuerySingleOrDefault<HandoffRow>(
            $"SELECT {HandoffRow.Columns} FROM {HandoffRow.Source} WHERE h.id = @id",
            new { id }
        );

    public static HandoffRow Require(DbConnection db, long id) =>
        Find(db, id) ?? throw Problem.NotFound($"handoff {id} not found");

    /// <summary>The handoff of a thread; null when that has none.</summary>
    public static HandoffRow? OfThread(DbConnection db, long thread) => OfThreads(db, [thread]).SingleOrDefault();

    public static List<HandoffRow> OfThreads(DbConnection db, IEnumerable<long> threads) =>
        db.Query<HandoffRow>(
                $"""
                SELECT {HandoffRow.Columns}
                  FROM json_each(@ids) i
                  JOIN handoffs h INDEXED BY handoffs_thread ON h.thread = i.value
                  JOIN threads t ON t.id = h.thread
                """,
                new { ids = Rows.Json(threads) }
            )
            .AsList();

    /// <summary>The newest handoff of a task; null when it has none.</summary>
    public static HandoffRow? LastOf(DbConnection db, long task) =>
        db.Prepare(
                $"""
                SELECT {HandoffRow.Columns}
                  FROM handoffs h INDEXED BY handoffs_task
                  JOIN threads t ON t.id = h.thread
                 WHERE h.task = @task
                 ORDER BY h.id DESC
                 LIMIT 1
                """
            )
            .With(new { task })
            .One<HandoffRow>();

    /// <summary>The open handoffs of a ticket's tasks.</summary>
    public static IReadOnlyList<HandoffRow> OpenOfTicket(DbConnection db, long ticket) =>
        db.Query<HandoffRow>(
                $"""
                SELECT {HandoffRow.Columns}
                  FROM threads t
                  JOIN handoffs h INDEXED BY handoffs_thread ON h.thread = t.id
                 WHERE t.ticket = @ticket AND h.status = 'requested'
                 ORDER BY h.id
                """,
                new { ticket }
            )
            .AsList();

    /// <summary>The open handoff of a task; null when it has none.</summary>
    public static HandoffRow? OpenOf(DbConnection db, long task) =>
        LastOf(db, task) is { IsOpen: true } open ? open : null;

    /// <summary>All open handoffs, or those that invite one agent.</summary>
    public static List<HandoffRow> Open(DbConnection db, string? to = null) =>
        db.Query<HandoffRow>(
                $"""
                SELECT {HandoffRow.Columns}
                  FROM handoffs h INDEXED BY handoffs_open
                  JOIN threads t ON t.id = h.thread
                 WHERE h.status = 'requested' AND (@to IS NULL OR h.to_agent = @to)
                 ORDER BY h.id
                """,
                new { to }
            )
            .AsList();

    /// <summary>Handoffs, the newest first.</summary>
    public static List<HandoffRow> List(DbConnection db, long? task, string? status, int limit, long? before) =>
        db.Query<HandoffRow>(
                $"""
                SELECT {HandoffRow.Columns}
                  FROM {HandoffRow.Source}
                 WHERE h.id < @before
                   AND (@task IS NULL OR h.task = @task)
                   AND (@status IS NULL OR h.status = @status)
                 ORDER BY h.id DESC
                 LIMIT @limit
                """,
                new
                {
                    task,
                    status,
                    before = before ?? long.MaxValue,
                    limit = Math.Clamp(limit, 1, ThreadFilter.Most),
                }
            )
            .AsList();

    public static HandoffRow Insert(IWrite write, HandoffRow row) =>
        Require(
            write.Db,
            write.Db.ExecuteScalar<long>(
                """
                INSERT INTO handoffs (thread, task, from_agent, to_agent, reason, context, status, asked_at,
                                      deadline_at)
                VALUES (@Thread, @Task, @FromAgent, @ToAgent, @Reason, @Context, @Status, @AskedAt, @DeadlineAt)
                RETURNING id
                """,
                row
            )
        );

    public static HandoffRow Decide(IWrite write, HandoffRow row, string status, long now)
    {
        write.Db.Execute(
            "UPDATE handoffs SET status = @status, decided_at = @now WHERE id = @Id AND status = 'requested'",
            new
            {
                row.Id,
                status,
                now,
            }
        );
        return Require(write.Db, row.Id);
    }
}
