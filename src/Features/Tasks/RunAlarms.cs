using System.Data.Common;
using Dapper;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Messages.Contracts;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Tasks;

/// <summary>Acts when the time of a run or of a pause is over: gives tasks back, tries them again, and reminds their
/// agents. Waits for the next moment without polling.</summary>
internal sealed partial class RunAlarms(
    IStore store,
    RunClocks clocks,
    RunEnds ends,
    OpenRuns runs,
    TaskChanges changes,
    AgentWaits waits,
    IOutbox outbox,
    IRoster roster,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<RunAlarms> log
)
{
    private const int PerRound = 100;
    private static readonly TimeSpan Again = TimeSpan.FromMinutes(1);

    /// <summary>Waits for alarms until the host stops.</summary>
    public async Task Run()
    {
        var stopping = lifetime.ApplicationStopping;
        clocks.SaveDue += () => _ = Act(RunAlarm.Save, 0, null);
        while (!stopping.IsCancellationRequested)
        {
            // Not awaited: an alarm that cannot be stored now must not delay later ones.
            while (clocks.TakeDue(PerRound) is { Length: > 0 } due)
            {
                foreach (var (alarm, id, end) in due)
                    _ = Act(alarm, id, end);
            }

            await clocks.WaitForDue(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Act(RunAlarm alarm, long id, long? end)
    {
        try
        {
            await store.WriteUntilStored(write => Act(write, alarm, id, end), clock, lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            clocks.SetAgain(alarm, id, Again, end);
            LogFailed(log, alarm, id, e);
        }
    }

    private void Act(IWrite write, RunAlarm alarm, long id, long? end)
    {
        if (alarm == RunAlarm.Save)
        {
            clocks.Save(write);
            return;
        }

        if (alarm == RunAlarm.Retry)
        {
            Retry(write, id, end);
            return;
        }

        if (alarm == RunAlarm.Deadline)
        {
            // An alarm of an earlier deadline comes late; one whose tasks are done is only held.
            if (
                TaskTable.Find(write.Db, id) is { IsJoin: true, IsPending: true } join
                && join.DeadlineAt == end
                && join.DepsDone < join.Needed
            )
                ends.Expire(write, join);
            return;
        }

        if (runs.Find(id) is not { } run || TaskTable.Find(write.Db, run.Task) is not { } row || row.Run != id)
            return;
        var isAssigned = row.Status == TaskState.Assigned;
        if (!isAssigned && row.Status != TaskState.Running)
            return;
        // The agent may have begun, come back or been asked to pause since.
        if (!clocks.IsDue(alarm, run))
        {
            clocks.RefreshAfter(write, run.Agent);
            return;
        }

        switch (alarm)
        {
            case RunAlarm.Start when isAssigned:
                ends.GiveBack(
                    write,
                    row,
                    RunEnd.NotStarted,
                    $"{run.Agent} did not begin it in time",
                    counts: roster.Find(run.Agent)?.MayReceive != false
                );
                break;
            case RunAlarm.Gone:
                Gone(write, row, run, isAssigned);
                break;
            case RunAlarm.Lost when !isAssigned:
                Lost(write, row, run);
                break;
            case RunAlarm.Timeout when !isAssigned:
                ends.Fail(
                    write,
                    row,
                    RunEnd.Timeout,
                    $"no result within its {run.TimeoutSeconds} seconds",
                    FailureKind.Retryable,
                    cancelsTurn: true
                );
                break;
            case RunAlarm.Idle when !isAssigned:
                Idle(write, row, run);
                break;
        }
    }

    private void Retry(IWrite write, long id, long? end)
    {
        if (TaskTable.Find(write.Db, id) is not { IsPending: true } held || !held.Held.HasFlag(Hold.Retry))
            return;
        if (held.NotBefore == end)
            changes.Set(write, held, held with { Holds = held.Holds & ~(long)Hold.Retry, NotBefore = null });
        else
            // The alarm was an earlier pause's, and came late.
            write.AfterCommit(() =>
                clocks.SetAgain(RunAlarm.Retry, id, clocks.PauseLeft(held, changes.Now), held.NotBefore)
            );
    }

    private void Gone(IWrite write, TaskRow row, OpenRun run, bool isAssigned)
    {
        var entry = roster.Find(run.Agent);
        var hasNoDuty = entry is { TakesTasks: false };
        ends.GiveBack(
            write,
            row,
            isAssigned ? RunEnd.NotStarted : RunEnd.Lost,
            $"{run.Agent} "
                + (
                    entry is null ? "was destroyed"
                    : hasNoDuty ? "takes no tasks any more"
                    : "stopped, or is held"
                ),
            cancelsTurn: hasNoDuty,
            counts: hasNoDuty || entry?.Held?.StartsWith(BudgetHolds.Start, StringComparison.Ordinal) != true
        );
    }

    private void Lost(IWrite write, TaskRow row, OpenRun run)
    {
        var held = runs.IsInTurn(run.Agent) ? null : roster.Find(run.Agent)?.Held;
        ends.GiveBack(
            write,
            row,
            RunEnd.Lost,
            held is null ? $"{run.Agent} was lost and did not come back in time" : $"{run.Agent} is held ({held})",
            // A held agent is there, and reads later that the task is not its own any more.
            cancelsTurn: held is not null,
            counts: held is null
        );
    }

    private void Idle(IWrite write, TaskRow row, OpenRun run)
    {
        if (waits.Of(write.Db, run))
            write.AfterCommit(() => clocks.RestartIdle(run));
        else if (run.Nudges < clocks.Nudges.Count)
            Nudge(write, row, run);
        else
            ends.Fail(
                write,
                row,
                RunEnd.NoResult,
                "its turns ended without a result",
                FailureKind.Retryable,
                cancelsTurn: true
            );
    }

    private void Nudge(IWrite write, TaskRow row, OpenRun run)
    {
        var nudges = run.Nudges + 1;
        write.Db.Execute("UPDATE runs SET nudges = @nudges WHERE id = @Id", new { nudges, run.Id });
        runs.Put(write, run with { Nudges = nudges });
        var body = TaskMessages.Idle(row, nudges, clocks.Nudges.Count);
        outbox.Append(
            write,
            Principals.System,
            run.Agent,
            body,
            stored: message => Claims.Note(write, message, run.Task, run.Id)
        );
        clocks.RefreshAfter(write, run.Agent);
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not act on the alarm '{Alarm}' of run or task {Id}; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, RunAlarm alarm, long id, Exception error);
}

/// <summary>Tells whether an agent waits for an answer, a reminder, a lock or a handoff of its own, asked or set in a
/// run.</summary>
internal sealed class AgentWaits(IEnumerable<ILooseEnds> sources, TimeProvider clock)
{
    // The age of a loose end is told in whole seconds.
    private const long RoundingMs = 1000;

    public bool Of(DbConnection db, OpenRun run)
    {
        LooseEnd[] ends = [.. sources.SelectMany(source => source.Read(db, run.Agent))];
        // Read after the ages, so that a clock that moves in between makes no end older than the run.
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        return ends.Any(end =>
            end is { Role: LooseEnd.Waits, Kind: "question" or "reminder" or "lock" or "handoff" }
            && now - (end.AgeSeconds * 1000) >= run.ClaimedAt - RoundingMs
        );
    }
}
