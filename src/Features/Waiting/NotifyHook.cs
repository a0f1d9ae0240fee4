using System.Threading.Channels;
using Dapper;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Waiting;

/// <summary>
/// Tells the address of <c>Notify:Url</c> when something of urgency <c>now</c> has waited for <c>Notify:After</c>
/// seconds: once for each row, also over restarts, until the row is snoozed or gone. A failure is retried with growing
/// pauses; nothing else waits for it.
/// </summary>
internal sealed partial class NotifyHook(
    HiveOptions options,
    WaitingList list,
    NotifyPost post,
    NotifyState state,
    IStore store,
    TimeProvider clock,
    ILogger<NotifyHook> log
) : BackgroundService
{
    // Rows that are due together and more than these are told in one request, by their number.
    private const int MostAlone = 3;
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    private readonly TimeSpan after = TimeSpan.FromSeconds(options.Notify.After);
    private readonly HashSet<string> told = new(StringComparer.Ordinal);
    private readonly Channel<bool> changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Notify.Url is null)
            return;
        void Ring(WaitingView? row, string key) => changes.Writer.TryWrite(true);
        list.Changed += Ring;
        try
        {
            told.UnionWith(await store.Read(db => db.Query<string>("SELECT key FROM waiting_told"), stoppingToken));
            var pause = FirstPause;
            while (true)
            {
                var next = await Tell(stoppingToken);
                if (state.Fault is null)
                    pause = FirstPause;
                else
                    (next, pause) = (clock.GetUtcNow() + pause, pause * 2 < LongestPause ? pause * 2 : LongestPause);
                // A failure waits for its pause; otherwise a change of the list may be due earlier.
                await Wait(next, wakes: state.Fault is null, stoppingToken);
            }
        }
        finally
        {
            list.Changed -= Ring;
        }
    }

    // Tells what is due. Returns when the next row is; null for none.
    private async Task<DateTimeOffset?> Tell(CancellationToken ct)
    {
        var now = clock.GetUtcNow();
        var rows = list.Rows.Where(row => row is { Urgency: WaitingUrgency.Now, SnoozedUntilAt: null }).ToArray();
        await Forget(rows.Select(row => row.Key).ToHashSet(), ct);
        var open = rows.Where(row => !told.Contains(row.Key)).ToArray();
        var due = open.Where(row => row.SinceAt + after <= now).ToArray();
        foreach (var batch in due.Length > MostAlone ? [due] : due.Select(row => new[] { row }))
        {
            var fault = await post.Send(batch, ct);
            Note(fault);
            if (fault is not null)
                return null;
            await Remember(batch, ct);
        }

        return open.Except(due).Select(row => (DateTimeOffset?)(row.SinceAt + after)).Min();
    }

    private async Task Wait(DateTimeOffset? next, bool wakes, CancellationToken ct)
    {
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var pause = next is { } at
            ? Task.Delay(at > clock.GetUtcNow() ? at - clock.GetUtcNow() : TimeSpan.Zero, clock, enough.Token)
            : Task.Delay(Timeout.InfiniteTimeSpan, enough.Token);
        var change = wakes ? changes.Reader.ReadAsync(enough.Token).AsTask() : pause;
        await Task.WhenAny(pause, change);
        await enough.CancelAsync();
        ct.ThrowIfCancellationRequested();
    }

    private void Note(string? fault)
    {
        // Once for each outage, without the address: it may hold a token.
        if (fault is not null && state.Fault is null)
            LogFailed(log, fault);
        else if (fault is null && state.Fault is not null)
            LogWorks(log);
        state.Set(fault);
    }

    private async Task Remember(WaitingView[] rows, CancellationToken ct)
    {
        told.UnionWith(rows.Select(row => row.Key));
        await store.WriteUntilStored(
            write =>
            {
                foreach (var row in rows)
                    write.Db.Execute("INSERT OR IGNORE INTO waiting_told (key) VALUES (@Key)", new { row.Key });
            },
            clock,
            ct
        );
    }

    // A row that left, or is snoozed, is told again when it comes back.
    private async Task Forget(HashSet<string> shown, CancellationToken ct)
    {
        string[] gone = [.. told.Where(key => !shown.Contains(key))];
        if (gone.Length == 0)
            return;
        told.ExceptWith(gone);
        await store.WriteUntilStored(
            write =>
            {
                foreach (var key in gone)
                    write.Db.Execute("DELETE FROM waiting_told WHERE key = @key", new { key });
            },
            clock,
            ct
        );
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "the address of Notify:Url could not be told what waits; will retry: {Fault}"
    )]
    private static partial void LogFailed(ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "the address of Notify:Url answers again")]
    private static partial void LogWorks(ILogger logger);
}

/// <summary>Whether the last request to <c>Notify:Url</c> succeeded.</summary>
internal sealed class NotifyState(TimeProvider clock)
{
    private volatile Last? last;

    /// <summary>Why the last request failed; null when it did not.</summary>
    public string? Fault => last?.Fault;

    /// <summary>When the last request ended; null when there was none.</summary>
    public DateTimeOffset? At => last?.At;

    public void Set(string? fault) => last = new Last(clock.GetUtcNow(), fault);

    private sealed record Last(DateTimeOffset At, string? Fault);
}
