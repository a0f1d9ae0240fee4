using System.Text.Json.Nodes;
using Hive.Agent.Drivers;
using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>A turn that the driver runs or has run.</summary>
internal sealed record RunningTurn(Turn Turn, Task<TurnRow> Work)
{
    /// <summary>The ended turn with its loose ends.</summary>
    public TurnRow? Ended { get; set; }
}

/// <summary>Begins turns and runs the driver, which continues when the connection is lost.</summary>
internal sealed class TurnRuns(
    IDriver driver,
    TurnStats stats,
    OperatorRequests requests,
    LiveEvents live,
    HarnessReport report,
    Log log,
    TimeProvider time
)
{
    private long count;

    private sealed record Begun(long Turn);

    private sealed record Status(long Unread, long Leased);

    /// <summary>Begins a turn with these messages.</summary>
    /// <returns>The turn; null when the host took the messages back because the agent was paused or held since it
    /// received them: they come again on the same connection.</returns>
    /// <param name="line">The connection that leased them.</param>
    /// <param name="messages">Oldest first, never empty.</param>
    /// <param name="stop">The agent is stopping; the turn has some time left.</param>
    /// <param name="cancelTurn">Ends the turn, since that time is over.</param>
    /// <param name="giveUp">Cancels the calls.</param>
    public async Task<RunningTurn?> BeginAsync(
        LineClient line,
        IReadOnlyList<Message> messages,
        CancellationToken stop,
        CancellationToken cancelTurn,
        CancellationToken giveUp
    )
    {
        var ids = messages.Select(m => m.Id).ToArray();
        Begun begun;
        try
        {
            begun = await line.CallAsync<Begun>(
                "begin_turn",
                new { ids, wake_from = Turn.WakeFromOf(messages) },
                giveUp
            );
        }
        catch (HiveException e) when (e.Code == "conflict")
        {
            // Leases that are left belong to this connection, which has to be closed to return them.
            if ((await line.CallAsync<Status>("status", null, giveUp)).Leased > 0)
                throw;
            log.Warn($"the host refused: {e.Message}; waiting");
            return null;
        }

        var turn = new Turn(
            begun.Turn,
            ++count,
            messages,
            (await line.CallAsync<Status>("status", null, giveUp)).Unread
        );
        log.Info(
            $"turn {turn.Id} begins: message {string.Join(", ", ids)} from {turn.WakeFrom}"
                + (turn.Redelivered ? ", redelivered" : "")
        );
        var cancel = requests.Cancellable(cancelTurn, turn.Id);
        live.Turn = turn.Id;
        live.AddAlways(
            "turn_started",
            ("from", turn.WakeFrom),
            ("ids", new JsonArray([.. ids.Select(id => (JsonNode)id)])),
            ("text", WakePrompt.ForPeople(turn)),
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

        var byRequest = ct.IsCancellationRequested && !cancelTurn.IsCancellationRequested;
        outcome = outcome.Result switch
        {
            // Not the fault of the messages, as with a limit. A stop may also end the program, which then fails.
            "cancelled" or "failed" when stop.IsCancellationRequested && !byRequest => outcome with
            {
                Result = "rate_limited",
                Note = outcome.Result == "failed" ? $"the agent was stopped: {outcome.Note}" : "the agent was stopped",
                Pause = TimeSpan.Zero,
            },
            // A failure after a cancellation counts as cancelled.
            "cancelled" or "failed" when byRequest => outcome with { Result = "cancelled", Note = requests.CancelNote },
            _ => outcome,
        };

        var took = (long)time.GetElapsedTime(began).TotalMilliseconds;
        var row = new TurnRow(turn.Id, outcome, turn.WakeFrom, startedAt, time.GetUtcNow(), took);
        // Stored before the report, since the host may be away and this process may end before it is back.
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
