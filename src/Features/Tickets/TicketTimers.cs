using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using MediatR;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Hive.Features.Tickets;

/// <summary>
/// Counts the tickets at start, lets go on what an earlier end of the host kept, and ends approvals whose deadline has
/// passed. Waits for the next deadline without polling.
/// </summary>
internal sealed partial class TicketTimers(
    IStore store,
    ColumnCounts counts,
    NewTickets tickets,
    TicketSweep sweep,
    ApprovalDeadlines deadlines,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<TicketTimers> log
) : IHostedService
{
    private static readonly TimeSpan Pause = TimeSpan.FromMinutes(1);

    public async Task StartAsync(CancellationToken cancellationToken)
    {
        var pending = await store.Read(
            db =>
            {
                counts.Load(db);
                return db.Query<Pending>(PendingSql).ToList();
            },
            cancellationToken
        );
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        foreach (var ticket in pending)
        {
            // The shorter of both, in case the wall clock was set back while no host ran.
            var due = ticket.ApprovalDeadlineAt;
            deadlines.Add(ticket.Id, TimeSpan.FromMilliseconds(Math.Min(due - now, due - ticket.CreatedAt)));
        }

        // Not awaited: a full disk must not keep the host from starting.
        _ = sweep.All();
        _ = Expire();
    }

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    private async Task Expire()
    {
        var stopping = lifetime.ApplicationStopping;
        while (!stopping.IsCancellationRequested)
        {
            while (deadlines.TakeDue() is { Length: > 0 } due)
            {
                foreach (var id in due)
                    await Expire(id);
            }

            await deadlines.WaitForDue(stopping).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    private async Task Expire(long id)
    {
        try
        {
            await store.WriteUntilStored(
                write =>
                {
                    if (TicketTable.Find(write.Db, id) is { IsPending: true })
                        tickets.Reject(
                            write,
                            id,
                            Principals.System,
                            "nobody decided before the deadline",
                            isTimedOut: true
                        );
                },
                clock,
                lifetime.ApplicationStopping
            );
        }
        catch (Exception e)
        {
            LogFailed(log, id, e);
            deadlines.Add(id, Pause);
        }
    }

    private const string PendingSql = """
        SELECT id, created_at, approval_deadline_at
          FROM tickets INDEXED BY tickets_pending
         WHERE approval = 'pending_review' AND approval_deadline_at IS NOT NULL
         ORDER BY id
        """;

    private sealed record Pending
    {
        public required long Id { get; init; }

        public required long CreatedAt { get; init; }

        public required long ApprovalDeadlineAt { get; init; }
    }

    [LoggerMessage(
        Level = LogLevel.Error,
        Message = "could not end the approval of ticket {Id}; will retry in a minute"
    )]
    private static partial void LogFailed(ILogger logger, long id, Exception error);
}

/// <summary>Lets tickets go on that a changed workflow, or the end of a host between two writes, has kept.</summary>
internal sealed partial class TicketSweep(
    IStore store,
    Moves moves,
    MoveRules rules,
    IWorkflows workflows,
    TicketCards cards,
    TimeProvider clock,
    IHostApplicationLifetime lifetime,
    ILogger<TicketSweep> log
) : INotificationHandler<WorkflowChanged>
{
    // The writer takes them together, and others in between.
    private const int AtOnce = 50;

    public Task Handle(WorkflowChanged notification, CancellationToken cancellationToken)
    {
        cards.Touch(notification.Workflow.Name);
        // Not awaited: while the disk is full, the other reactions must not wait for it.
        _ = All(notification.Workflow.Name);
        return Task.CompletedTask;
    }

    /// <summary>Looks at all open tickets, or at those of one workflow.</summary>
    /// <param name="workflow">The workflow; null for all.</param>
    public async Task All(string? workflow = null)
    {
        try
        {
            var tickets = await store.Read(db => Candidates(db, workflow), lifetime.ApplicationStopping);
            foreach (var some in tickets.Where(MayGoOn).Chunk(AtOnce))
                await Task.WhenAll(some.Select(t => Write(write => Look(write, t.Id), $"ticket {t.Id}")));
            foreach (var spec in tickets.Select(t => t.Workflow).Distinct().Select(workflows.Find).OfType<Workflow>())
            {
                foreach (var column in spec.BoardColumns)
                    await Write(
                        write => Fill(write, spec.Name, column.Id),
                        $"what waits for the column '{column.Name}' of {spec.Name}"
                    );
            }
        }
        catch (Exception e) when (!lifetime.ApplicationStopping.IsCancellationRequested)
        {
            LogFailed(log, e);
        }
        catch (OperationCanceledException)
        {
            // The next start looks again.
        }
    }

    // In a write of its own, so that one that cannot enter its next phase keeps no other back.
    private async Task Write(Action<IWrite> work, string what)
    {
        try
        {
            await store.WriteUntilStored(work, clock, lifetime.ApplicationStopping);
        }
        catch (Exception e)
        {
            LogKept(log, what, e);
        }
    }

    private void Look(IWrite write, long id)
    {
        if (TicketTable.Find(write.Db, id) is not { IsPlaced: true, IsDone: false } row)
            return;
        if (row.HasPassed)
            moves.Continue(write, id);
        else if (rules.AsksNothing(row))
            moves.Passed(write, row);
    }

    private void Fill(IWrite write, string workflow, string column)
    {
        if (workflows.Find(workflow) is { } spec && spec.BoardColumns.FirstOrDefault(c => c.Id == column) is { } found)
            moves.Fill(write, spec, found);
    }

    private bool MayGoOn(Candidate ticket) =>
        ticket.Gate is TicketRow.Gates.Passed or TicketRow.Gates.Waiting
        || MoveRules.AsksNothing(workflows.Find(ticket.Workflow), ticket.PhaseId);

    private static List<Candidate> Candidates(DbConnection db, string? workflow) =>
        db.Query<Candidate>(Sql, new { workflow }).AsList();

    private const string Sql = """
        SELECT id, workflow, phase_id, gate
          FROM tickets INDEXED BY tickets_open
         WHERE done_at IS NULL AND approval = 'approved' AND (@workflow IS NULL OR workflow = @workflow)
         ORDER BY id
        """;

    private sealed record Candidate
    {
        public required long Id { get; init; }

        public required string Workflow { get; init; }

        public required string PhaseId { get; init; }

        public required string Gate { get; init; }
    }

    [LoggerMessage(Level = LogLevel.Warning, Message = "could not let tickets go on; the next start looks again")]
    private static partial void LogFailed(ILogger logger, Exception error);

    [LoggerMessage(Level = LogLevel.Error, Message = "could not let {What} go on; the next start looks again")]
    private static partial void LogKept(ILogger logger, string what, Exception error);
}
