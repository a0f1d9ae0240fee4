using Dapper;
using Hive.Common.Storage;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Collaboration;

/// <summary>Ends handoffs that nobody answered in time and threads that nobody posted to, also those that became due
/// while no host ran. Waits for the next deadline without polling.</summary>
internal sealed partial class CollaborationTimers(
    IStore store,
    Threads threads,
    Handoffs handoffs,
    LeavingAgents leaving,
    CollaborationDeadlines deadlines,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<CollaborationTimers> log
) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var (active, open) = await store.Read(
            db =>
                (
                    db.Query<(long Id, long LastAt)>(
                            "SELECT id, last_at FROM threads INDEXED BY threads_active WHERE status = 'active'"
                        )
                        .AsList(),
                    HandoffTable.Open(db)
                ),
            cancellationToken
        );
        var now = threads.Now;
        foreach (var (id, lastAt) in active)
            deadlines.Set(Due.Thread, id, Left(lastAt, CollaborationDeadlines.Silence, now));
        foreach (var handoff in open)
            deadlines.Set(Due.Handoff, handoff.Id, Left(handoff.AskedAt, CollaborationDeadlines.Answer, now));
        // Not awaited: a full disk must not keep the host from starting.
        leaving.Sweep(open.Select(handoff => handoff.ToAgent));
        _ = Expire();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Expire()
    {
        var stopping = lifetime.ApplicationStopping;
        while (!stopping.IsCancellationRequested)
        {
            while (deadlines.TakeDue() is { Length: > 0 } all)
            {
                foreach (var (due, id) in all)
                    await Expire(due, id);
            }

            await deadlines.WaitForDue(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Expire(Due due, long id)
    {
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    if (due == Due.Handoff)
                        ExpireHandoff(write, id);
                    else
                        Abandon(write, id);
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogFailed(log, due, id, e);
            deadlines.Set(due, id, Pause);
        }
    }

    private void ExpireHandoff(IWrite write, long id)
    {
        if (HandoffTable.Find(write.Db, id) is { IsOpen: true } open)
            handoffs.EndByHost(
                write,
                open,
                HandoffStatus.Expired,
                $"{open.ToAgent} did not answer within {CollaborationDeadlines.Answer.TotalHours} hours."
            );
    }

    private void Abandon(IWrite write, long id)
    {
        if (ThreadTable.Find(write.Db, id) is not { IsActive: true } thread)
            return;
        // Somebody may have posted since the deadline was taken.
        var left = Left(thread.LastAt, CollaborationDeadlines.Silence, threads.Now);
        if (left > TimeSpan.Zero)
            deadlines.Set(write, Due.Thread, id, left);
        else
            threads.End(write, thread, ThreadStatus.Abandoned);
    }

    // Never more than the whole time, in case the wall clock was set back.
    private static TimeSpan Left(long since, TimeSpan whole, long now) =>
        TimeSpan.FromMilliseconds(Math.Min(since - now, 0)) + whole;

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not end the {Due} {Id}, which is due; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, Due due, long id, Exception error);
}
