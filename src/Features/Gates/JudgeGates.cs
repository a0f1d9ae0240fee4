using System.Data.Common;
using Hive.Common.Errors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Features.Tickets.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Gates;

/// <summary>
/// Judges the marked gates: at start, and after each commit that may have marked one. A ticket that is blocked or held
/// keeps its mark until it runs again. Nothing is read while nothing changes.
/// </summary>
internal sealed partial class JudgeGates(
    IStore store,
    ITickets tickets,
    GateReader reader,
    Judgements judgements,
    MergeLooks looks,
    CommitEvidence commits,
    GateMarks marks,
    GateBell bell,
    TimeProvider clock,
    ILogger<JudgeGates> log
) : BackgroundService, ICommitObserver
{
    // The gates that are read at once, with the content of their artifacts.
    private const int AtOnce = 16;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    // After a look at a repository that could not be read; doubles with each further one.
    private static readonly TimeSpan LookPause = TimeSpan.FromMinutes(1);

    private static readonly TimeSpan LongestLookPause = TimeSpan.FromHours(1);

    // Gates whose repositories are being looked at, or wait for that.
    private readonly HashSet<long> looking = [];

    // Gates that are judged once more after a pause.
    private readonly HashSet<long> again = [];

    // How many looks at the repository of a gate found nothing out, one after the other.
    private readonly Dictionary<long, int> misses = [];

    // Gates that could not be read or judged, until they change.
    private readonly Dictionary<long, long> failed = [];

    // A task that was made or has ended marks its gate, and a replaced workflow those of its tickets. Other marks come
    // with a move, and those of this slice ring themselves.
    void ICommitObserver.OnCommitted(INotification notification)
    {
        if (notification is TaskChanged or TaskRemoved or WorkflowChanged)
            bell.Ring();
    }

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        await CleanUp(stoppingToken);
        await bell.RunOnEachRing(JudgeAll, Failed, Pause, clock, stoppingToken);
    }

    private bool Failed(Exception e)
    {
        if (e is not Problem { Code: ErrorCode.Unavailable })
            LogUnread(log, e);
        return true;
    }

    private async Task JudgeAll(CancellationToken ct)
    {
        while (await JudgeSome(ct))
            continue;
    }

    // True when there may be more.
    private async Task<bool> JudgeSome(CancellationToken ct)
    {
        var gates = await store.Read(
            db =>
                tickets
                    .Marked(db)
                    .Where(t => !IsLeftOut(t.Id, t.GateRev))
                    .Select(t => tickets.Find(db, t.Id) is { } ticket ? Read(db, ticket) : null)
                    .OfType<GateCase>()
                    .Take(AtOnce)
                    .ToArray(),
            ct
        );
        foreach (var gate in gates.Where(MergeLooks.Needs))
        {
            lock (failed)
                looking.Add(gate.Ticket.Id);
            _ = Task.Run(() => JudgeAfterLook(gate, ct), CancellationToken.None);
        }

        // Together, so that the writer can commit them together.
        await Task.WhenAll(gates.Where(gate => !MergeLooks.Needs(gate)).Select(gate => Judge(gate, ct)).ToArray());
        return gates.Length > 0;
    }

    // A gate that cannot be read keeps no other from being judged.
    private GateCase? Read(DbConnection db, TicketEntry ticket)
    {
        try
        {
            return reader.Read(db, ticket);
        }
        catch (Exception e) when (e is not (DbException or Problem { Code: ErrorCode.Unavailable }))
        {
            Failed(ticket, e);
            return null;
        }
    }

    private bool IsLeftOut(long ticket, long gateRev)
    {
        lock (failed)
            return looking.Contains(ticket) || (failed.TryGetValue(ticket, out var rev) && rev == gateRev);
    }

    private void Failed(TicketEntry ticket, Exception error)
    {
        lock (failed)
            failed[ticket.Id] = ticket.GateRev;
        LogFailed(log, ticket.Id, ticket.PhaseId, error);
    }

    private async Task Judge(GateCase gate, CancellationToken ct)
    {
        try
        {
            await judgements.Judge(gate, asked: false, ct);
        }
        catch (Exception e) when (e is not Problem { Code: ErrorCode.Unavailable } && !ct.IsCancellationRequested)
        {
            Failed(gate.Ticket, e);
        }
    }

    // Beside the others, since a repository may be slow to answer. While it is looked at the gate is not read again; a
    // change in the meantime is judged afterwards.
    private async Task JudgeAfterLook(GateCase gate, CancellationToken ct)
    {
        try
        {
            gate = await looks.Look(gate, ct);
            await Judge(gate, ct);
        }
        catch (Exception e)
        {
            // The gate is still marked.
            if (ct.IsCancellationRequested)
                return;
            // The store has no room. Each try is a fetch, so that the next one waits.
            if (e is Problem { Code: ErrorCode.Unavailable })
                await Task.Delay(LookPause, clock, ct);
            else
                Failed(gate.Ticket, e);
        }
        finally
        {
            lock (failed)
                looking.Remove(gate.Ticket.Id);
            bell.Ring();
        }

        if (gate.Merges?.Any(m => m is { IsMerged: null, IsPassing: true }) == true)
        {
            await LookAgain(gate.Ticket.Id, ct);
            return;
        }

        lock (failed)
            misses.Remove(gate.Ticket.Id);
    }

    private async Task LookAgain(long ticket, CancellationToken ct)
    {
        while (NextPause() is { } pause)
        {
            try
            {
                await Task.Delay(pause, clock, ct);
                lock (failed)
                    again.Remove(ticket);
                await store.Write(write => marks.Mark(write, ticket), CancellationToken.None);
                return;
            }
            catch (Problem e) when (e.Code == ErrorCode.Unavailable)
            {
                // The store has no room: later it may have.
            }
            catch (Exception e)
            {
                if (!ct.IsCancellationRequested)
                    LogUnread(log, e);
                return;
            }
        }

        // Null when another one waits already.
        TimeSpan? NextPause()
        {
            lock (failed)
            {
                if (!again.Add(ticket))
                    return null;
                var before = misses.GetValueOrDefault(ticket);
                misses[ticket] = before + 1;
                var pause = LookPause * Math.Pow(2, Math.Min(before, 10));
                return pause < LongestLookPause ? pause : LongestLookPause;
            }
        }
    }

    // An earlier host may have been stopped while it removed commits, or before it looked at a repository again.
    private async Task CleanUp(CancellationToken ct)
    {
        try
        {
            foreach (var ticket in await store.Read(MergeLooks.Unknown, ct))
                _ = LookAgain(ticket, ct);
            foreach (var ticket in commits.Tickets())
                await commits.CleanUp(ticket);
        }
        catch (Exception e) when (!ct.IsCancellationRequested)
        {
            LogOrphans(log, e);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Warning,
        Message = "could not clean up the evidence of commits; will retry at the next start"
    )]
    private static partial void LogOrphans(ILogger logger, Exception error);

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "judging the gate of ticket {Ticket} in {PhaseId} failed; it is judged again when it changes"
    )]
    private static partial void LogFailed(ILogger logger, long ticket, string phaseId, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "the marked gates could not be read; will retry")]
    private static partial void LogUnread(ILogger logger, Exception error);
}
