using System.Text.Json.Nodes;
using Hive.Agent.Drivers;
using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>A turn that the driver does, or has done.</summary>
internal sealed record RunningTurn(Turn Turn, Task<TurnRow> Work)
{
    /// <summary>With what was open after it.</summary>
    public TurnRow? Ended { get; set; }
}

/// <summary>Begins turns and lets the driver do them; the work goes on whatever becomes of the connection.</summary>
internal sealed class TurnRuns(
    IDriver driver,
    TurnStats stats,
    OperatorsWishes wishes,
    LiveEvents live,
    HarnessReport report,
    Log log,
    TimeProvider time
)
{
    private long count;

    private sealed record Begun(long Turn);

    private sealed record Status(long Unread);

    /// <summary>Begins a turn about these messages.</summary>
    /// <param name="line">The connection that has leased them.</param>
    /// <param name="messages">Oldest first, never empty.</param>
    /// <param name="stop">The agent is told to stop: the work has some time left.</param>
    /// <param name="cancelTurn">Ends the work: that time is over.</param>
    /// <param name="giveUp">Ends the asking.</param>
    public async Task<RunningTurn> BeginAsync(
        LineClient line,
        IReadOnlyList<Message> messages,
        CancellationToken stop,
        CancellationToken cancelTurn,
        CancellationToken giveUp
    )
    {
        var ids = messages.Select(m => m.Id).ToArray();
        var begun = await line.CallAsync<Begun>(
            "begin_turn",
            new { ids, wake_from = Turn.WakeFromOf(messages) },
            giveUp
        );
        var turn = new Turn(
            begun.Turn,
            ++count,
            messages,
            (await line.CallAsync<Status>("status", null, giveUp)).Unread
        );
        log.Info(
            $"turn {turn.Id} begins: message {string.Join(", ", ids)} from {turn.WakeFrom}{(turn.Redelivered ? ", redelivered" : "")}"
        );
        var cancel = wishes.Cancellable(cancelTurn);
        live.Turn = turn.Id;
        live.AddAlways(
            "turn_started",
            ("from", turn.WakeFrom),
            ("ids", new JsonArray([.. ids.Select(id => (JsonNode)id)])),
            ("text", WakePrompt.Of(turn)),
            ("waiting", turn.Waiting),
            ("redelivered", turn.Redelivered)
        );
        report.Change(s => s with { State = HarnessState.Thinking, Turn = turn.Id });
        return new RunningTurn(turn, Task.Run(() => RunAsync(turn, cancel, stop, cancelTurn), CancellationToken.None));
    }

    private async Task<TurnRow> RunAsync(
        Turn turn,
        CancellationToken ct,
        CancellationToken stop,
        CancellationToken cancelTurn
    )
    {
        var (startedAt, began) = (time.GetUtcNow(), time.GetTimestamp());
        TurnOutcome outcome;
        try
        {
            outcome = await driver.RunAsync(turn, ct);
        }
        catch (OperationCanceledException) when (ct.IsCancellationRequested)
        {
            outcome = TurnOutcome.Cancelled("");
        }
        catch (Exception e)
        {
            outcome = TurnOutcome.Failed(e.Message);
        }

        var byOperator = ct.IsCancellationRequested && !cancelTurn.IsCancellationRequested;
        outcome = outcome.Result switch
        {
            // No fault of the messages, as with a limit. A program may have been told to end together with this one,
            // and have failed of that.
            "cancelled" or "failed" when stop.IsCancellationRequested && !byOperator => outcome with
            {
                Result = "rate_limited",
                Note = outcome.Result == "failed" ? $"the agent was stopped: {outcome.Note}" : "the agent was stopped",
                Pause = TimeSpan.Zero,
            },
            // A call that fails because it was cancelled counts as cancelled.
            "cancelled" or "failed" when byOperator => outcome with
            {
                Result = "cancelled",
                Note = "cancelled by the operator",
            },
            _ => outcome,
        };

        var took = (long)time.GetElapsedTime(began).TotalMilliseconds;
        var row = new TurnRow(turn.Id, outcome, turn.WakeFrom, startedAt, time.GetUtcNow(), took);
        // Here, and not when the host is told: it may be away, and this process may not live until it is back.
        stats.Add(row);
        var text =
            $"turn {turn.Id} ended {outcome.Result} after {took} ms{(outcome.Note is null ? "" : ": " + outcome.Note)}";
        if (outcome.Result == "ok")
            log.Info(text);
        else
            log.Warn(text);
        return row;
    }
}
