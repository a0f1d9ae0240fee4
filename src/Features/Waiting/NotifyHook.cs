using System.Collections.Concurrent;
using System.Threading.Channels;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Preferences.Contracts;
using Hive.Protocol;
using Hive.Protocol.Options;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Waiting;

/// <summary>
/// Tells the address of <c>Notify:Url</c> when something of urgency <c>now</c> has waited for <c>Notify:After</c>
/// seconds: once for each thing, also over restarts, and once more when a snooze has run out. A failure is retried with
/// growing pauses; nothing else waits for it. The things of a muted agent are told once it is muted no longer.
/// </summary>
internal sealed partial class NotifyHook(
    HiveOptions options,
    WaitingList list,
    NotifyPost post,
    NotifyState state,
    IMutedAgents muted,
    EventHub hub,
    IStore store,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<NotifyHook> log
) : BackgroundService
{
    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan LongestPause = TimeSpan.FromMinutes(10);

    // A row that comes back sooner is the same thing: an agent that connects again reports its missing login again.
    // After a start of the host that may take longer.
    private static readonly TimeSpan Absence = TimeSpan.FromMinutes(1);
    private static readonly TimeSpan AbsenceAtStart = TimeSpan.FromMinutes(10);

    private readonly TimeSpan after = TimeSpan.FromSeconds(options.Notify.After);

    // When each row was told, and when a told row that has left the list is forgotten.
    private readonly ConcurrentDictionary<string, DateTimeOffset> told = new(StringComparer.Ordinal);
    private readonly Dictionary<string, DateTimeOffset> forgotten = new(StringComparer.Ordinal);
    private readonly Channel<bool> changes = Channel.CreateBounded<bool>(
        new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite }
    );
    private TimeSpan pause = FirstPause;
    private DateTimeOffset? retryAt;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        if (options.Notify.Url is null)
            return;
        // Links hold the page's address, which is known once the host has started.
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var registration = lifetime.ApplicationStarted.Register(started.SetResult);
        await started.Task.WaitAsync(stoppingToken);
        list.Changed += OnChanged;
        muted.Changed += LookAgain;
        try
        {
            await Load(stoppingToken);
            while (true)
                await Wait(await SendDue(stoppingToken), stoppingToken);
        }
        finally
        {
            list.Changed -= OnChanged;
            muted.Changed -= LookAgain;
        }
    }

    // Called under the list's lock.
    private void OnChanged(WaitingView? row, string key)
    {
        if (row is { Urgency: WaitingUrgency.Now, SnoozedUntilAt: null } || (row is null && told.ContainsKey(key)))
            LookAgain();
    }

    private void LookAgain() => changes.Writer.TryWrite(true);

    private async Task Load(CancellationToken ct)
    {
        var stored = await store.Read(
            db => db.Query<(string Key, long At)>("SELECT key, told_at FROM waiting_told").AsList(),
            ct
        );
        var forgottenAt = clock.GetUtcNow() + AbsenceAtStart;
        foreach (var (key, at) in stored)
        {
            told[key] = DateTimeOffset.FromUnixTimeMilliseconds(at);
            forgotten[key] = forgottenAt;
        }

        if (stored.Count > 0)
            Show(state.View with { LastSentAt = told.Values.Max() });
    }

    // Sends what is due. Returns when the list must be looked at again; null for when it changes.
    private async Task<DateTimeOffset?> SendDue(CancellationToken ct)
    {
        while (true)
        {
            ct.ThrowIfCancellationRequested();
            var now = clock.GetUtcNow();
            var rows = list.Urgent;
            await Forget(rows, now, ct);
            DateTimeOffset? nextForgotten = forgotten.Count > 0 ? forgotten.Values.Min() : null;
            var open = rows.Where(IsUntold).ToArray();
            if (open.Length == 0)
            {
                // The row that could not be sent has been decided, or its agent muted.
                if (state.View.NextAttemptAt is not null)
                    Show(state.View with { NextAttemptAt = null });
                return nextForgotten;
            }

            var (row, since) = open.Select(u => (u.Row, Since: UnseenSince(u))).MinBy(u => (u.Since, u.Row.Key));
            var due = retryAt > since + after ? retryAt.Value : since + after;
            if (due > now)
                return due < nextForgotten || nextForgotten is null ? due : nextForgotten;
            await Send(row, ct);
        }
    }

    private static DateTimeOffset UnseenSince(WaitingList.UrgentRow urgent) =>
        urgent.SnoozeEndedAt > urgent.Row.SinceAt ? urgent.SnoozeEndedAt.Value : urgent.Row.SinceAt;

    private bool IsUntold(WaitingList.UrgentRow urgent) =>
        urgent.Row.SnoozedUntilAt is null
        && (urgent.Row.Agent is not { } agent || !muted.Contains(agent))
        && (!told.TryGetValue(urgent.Row.Key, out var at) || urgent.SnoozeEndedAt > at);

    private async Task Send(WaitingView row, CancellationToken ct)
    {
        var fault = await post.Send(row, ct);
        var now = clock.GetUtcNow();
        var before = state.View;
        if (fault is null)
        {
            (retryAt, pause) = (null, FirstPause);
            if (before.State == NotifyHookState.Failing)
                LogWorks(log);
            await Remember(row.Key, now, ct);
            Show(new NotifyHookView(NotifyHookState.Ready, now));
            return;
        }

        retryAt = now + pause;
        pause = pause * 2 < LongestPause ? pause * 2 : LongestPause;
        // Once for each outage, without the address: it may hold a token.
        if (before.State != NotifyHookState.Failing)
            LogFailed(log, fault);
        Show(
            new NotifyHookView(NotifyHookState.Failing, before.LastSentAt, before.FailingSinceAt ?? now, fault, retryAt)
        );
    }

    private async Task Remember(string key, DateTimeOffset at, CancellationToken ct)
    {
        told[key] = at;
        void Store(IWrite write) =>
            write.Db.Execute(
                """
                INSERT INTO waiting_told (key, told_at)
                VALUES (@key, @at)
                    ON CONFLICT (key) DO UPDATE
                   SET told_at = excluded.told_at
                """,
                new { key, at = at.ToUnixTimeMilliseconds() }
            );
        try
        {
            // Also while the host stops: a thing that was told is not told again by the next host.
            await store.Write(Store, CancellationToken.None);
        }
        catch (Problem e) when (e.Code == ErrorCode.Unavailable)
        {
            await store.WriteUntilStored(Store, clock, ct);
        }
    }

    private async Task Forget(IReadOnlyList<WaitingList.UrgentRow> rows, DateTimeOffset now, CancellationToken ct)
    {
        var shown = rows.Select(urgent => urgent.Row.Key).ToHashSet(StringComparer.Ordinal);
        foreach (var key in told.Keys)
        {
            if (shown.Contains(key))
                forgotten.Remove(key);
            else
                forgotten.TryAdd(key, now + Absence);
        }

        string[] gone = [.. forgotten.Where(f => f.Value <= now).Select(f => f.Key)];
        if (gone.Length == 0)
            return;
        foreach (var key in gone)
        {
            forgotten.Remove(key);
            told.TryRemove(key, out _);
        }

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

    private async Task Wait(DateTimeOffset? next, CancellationToken ct)
    {
        ct.ThrowIfCancellationRequested();
        using var enough = CancellationTokenSource.CreateLinkedTokenSource(ct);
        var left = next - clock.GetUtcNow();
        var time =
            left is null ? Task.Delay(Timeout.InfiniteTimeSpan, enough.Token)
            : left > TimeSpan.Zero ? Task.Delay(left.Value, clock, enough.Token)
            : Task.CompletedTask;
        await Task.WhenAny(time, changes.Reader.WaitToReadAsync(enough.Token).AsTask());
        await enough.CancelAsync();
        ct.ThrowIfCancellationRequested();
        changes.Reader.TryRead(out _);
    }

    private void Show(NotifyHookView view)
    {
        state.View = view;
        hub.Publish(new DashboardEvent("notify_hook_changed", "notify_hook", view));
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "the request to Notify:Url failed, will retry: {Fault}")]
    private static partial void LogFailed(ILogger logger, string fault);

    [LoggerMessage(Level = LogLevel.Information, Message = "Notify:Url accepts requests again")]
    private static partial void LogWorks(ILogger logger);
}
