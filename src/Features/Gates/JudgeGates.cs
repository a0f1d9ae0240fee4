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
    GateBell bell,
    TimeProvider clock,
    ILogger<JudgeGates> log
) : BackgroundService, ICommitObserver
{
    // The gates that are read at once, with the content of their artifacts.
    private const int AtOnce = 16;

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

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
        while (true)
        {
            await bell.Wait(stoppingToken);
            try
            {
                while (await JudgeSome(stoppingToken))
                    continue;
            }
            catch (Problem e) when (e.Code == ErrorCode.Unavailable)
            {
                await Task.Delay(Pause, clock, stoppingToken);
                bell.Ring();
            }
            catch (Exception e) when (!stoppingToken.IsCancellationRequested)
            {
                LogUnread(log, e);
                await Task.Delay(Pause, clock, stoppingToken);
                bell.Ring();
            }
        }
    }

    // True when there may be more.
    private async Task<bool> JudgeSome(CancellationToken ct)
    {
        var gates = await store.Read(
            db =>
                tickets
                    .Marked(db)
                    .Where(t => !HasFailed(t.Id, t.GateRev))
                    .Select(t => tickets.Find(db, t.Id) is { } ticket ? Read(db, ticket) : null)
                    .OfType<GateCase>()
                    .Take(AtOnce)
                    .ToArray(),
            ct
        );
        // Together, so that the writer can commit them together.
        await Task.WhenAll(gates.Select(Judge).ToArray());
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

    private bool HasFailed(long ticket, long gateRev)
    {
        lock (failed)
            return failed.TryGetValue(ticket, out var rev) && rev == gateRev;
    }

    private void Failed(TicketEntry ticket, Exception error)
    {
        lock (failed)
            failed[ticket.Id] = ticket.GateRev;
        LogFailed(log, ticket.Id, ticket.PhaseId, error);
    }

    private async Task Judge(GateCase gate)
    {
        try
        {
            await judgements.Judge(gate, asked: false);
        }
        catch (Exception e) when (e is not Problem { Code: ErrorCode.Unavailable })
        {
            Failed(gate.Ticket, e);
        }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "judging the gate of ticket {Ticket} in {PhaseId} failed; it is judged again when it changes"
    )]
    private static partial void LogFailed(ILogger logger, long ticket, string phaseId, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "the marked gates could not be read; will retry")]
    private static partial void LogUnread(ILogger logger, Exception error);
}
