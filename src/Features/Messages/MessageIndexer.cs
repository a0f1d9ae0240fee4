using System.Data.Common;
using System.Diagnostics;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Messages.Contracts;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Messages;

/// <summary>
/// Indexes messages for the history's filters and for its search, in the background: in the write that stores a message
/// it would halve the throughput (docs/adr/0113). Messages behind <see cref="Newest"/> are not indexed yet; readers
/// look through them.
/// </summary>
internal sealed partial class MessageIndexer(IStore store, TimeProvider clock, ILogger<MessageIndexer> log)
    : BackgroundService,
        ICommitObserver
{
    // A piece takes about 3 ms of the writer, with long texts too.
    private const int PieceSize = 50;
    private const int PieceBytes = 32 * 1024;

    // Pages that a piece merges; the index would otherwise merge all at once now and then, which takes 60 ms and more.
    private const int PagesPerMerge = 16;

    // How much longer than a piece the pause after it is, while messages arrive and while none do. Readers look through
    // the tail that is not indexed yet: a tail longer than this shortens the pause.
    private const int PauseWhenBusy = 40;
    private const int PauseWhenQuiet = 3;
    private const int LongestTail = 2500;

    // One piece for the messages of this time, instead of one piece, and one commit, for each.
    internal static readonly TimeSpan Lag = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan RetryPause = TimeSpan.FromMinutes(1);

    private readonly SemaphoreSlim sent = new(1, 1);

    /// <summary>The newest indexed message; 0 for none.</summary>
    public static long Newest(DbConnection db) => db.ExecuteScalar<long?>("SELECT max(id) FROM message_index") ?? 0;

    public void OnCommitted(INotification notification)
    {
        // Called for one notification at a time, so that the count cannot rise in between.
        if (notification is MessageChanged { Kind: "sent" } && sent.CurrentCount == 0)
            sent.Release();
    }

    /// <summary>How much longer than a piece the pause after it is.</summary>
    /// <param name="arriving">Messages arrived during the pause before.</param>
    /// <param name="tail">How many ids are not indexed yet.</param>
    internal static double PauseAfterPiece(bool arriving, long tail) =>
        arriving
            ? Math.Max(PauseWhenQuiet, PauseWhenBusy * Math.Min(1, (double)LongestTail / Math.Max(1, tail)))
            : PauseWhenQuiet;

    /// <summary>Indexes all messages up to now.</summary>
    public async Task CatchUp(CancellationToken ct)
    {
        var head = 0L;
        while (true)
        {
            var piece = await store.Write(Index, ct);
            if (piece.Done)
                return;
            // With the commit, which takes longer than the piece where the disk is slow.
            var took = Stopwatch.GetElapsedTime(piece.Began);
            var pause = took * PauseAfterPiece(piece.Head != head, piece.Head - piece.Newest);
            head = piece.Head;
            await Task.Delay(pause, ct);
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        while (true)
        {
            await sent.WaitAsync(stoppingToken);
            await Task.Delay(Lag, clock, stoppingToken);
            while (!await TryCatchUp(stoppingToken))
                await Task.Delay(RetryPause, clock, stoppingToken);
        }
    }

    private async Task<bool> TryCatchUp(CancellationToken ct)
    {
        try
        {
            await CatchUp(ct);
            return true;
        }
        catch (Problem e)
        {
            LogFailed(log, e);
            return false;
        }
    }

    private static Piece Index(IWrite write)
    {
        var began = Stopwatch.GetTimestamp();
        var newest = Newest(write.Db);
        var bytes = 0;
        (long Id, string Body)[] messages =
        [
            .. write
                .Db.Query<(long Id, string Body)>(
                    "SELECT id, body FROM messages WHERE id > @newest ORDER BY id LIMIT @PieceSize",
                    new { newest, PieceSize }
                )
                .TakeWhile(message => (bytes += message.Body.Length) <= PieceBytes || bytes == message.Body.Length),
        ];
        foreach (var (id, body) in messages)
        {
            // In rising order, so that the message that this one answers is already there.
            write.Prepare(IndexSql).Bind(1, id).Bind(2, SearchWords.SignsOf(body)).Step();
            write.Prepare(WordsSql).Bind(1, id).Step();
        }

        var before = Changes(write.Db);
        write.Db.Execute(
            "INSERT INTO message_words (message_words, rank) VALUES ('merge', @PagesPerMerge)",
            new { PagesPerMerge }
        );
        // SQLite's documentation: fewer than two changes mean that there was nothing to merge.
        var merged = Changes(write.Db) - before >= 2;
        var head = write.Db.ExecuteScalar<long?>("SELECT max(id) FROM messages") ?? 0;
        return new Piece(head, messages.Length == 0 ? newest : messages[^1].Id, messages.Length == 0 && !merged, began);
    }

    private static long Changes(DbConnection db) => db.ExecuteScalar<long>("SELECT total_changes()");

    // A reply belongs to the thread of the message that it answers; when that was deleted, to the thread that it
    // began.
    private const string IndexSql = $"""
        INSERT INTO message_index (id, sender, recipient, kind, sent_at, thread, signs)
        SELECT m.id, m.sender, m.recipient, {MessageKind.Sql}, m.sent_at,
               coalesce((SELECT thread FROM message_index WHERE id = m.in_reply_to), m.in_reply_to, m.id), ?2
          FROM messages m
         WHERE m.id = ?1
        """;

    private const string WordsSql = """
        INSERT INTO message_words (rowid, body)
        SELECT id, body
          FROM messages
         WHERE id = ?1
        """;

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "indexing messages for the search failed; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, Exception error);

    private readonly record struct Piece(long Head, long Newest, bool Done, long Began);
}
