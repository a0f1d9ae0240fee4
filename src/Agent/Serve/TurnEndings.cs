using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// Tells the host how turns ended. Figures that it does not take never cost a turn its end: it is told without them.
/// </summary>
internal sealed class TurnEndings(TurnStats stats, Log log)
{
    // A host that fails may be of another mind a moment later, but not for ever: neither over the same figures nor over
    // the same end.
    private const int MostWithFigures = 3,
        MostFailures = 7;

    private readonly Dictionary<long, int> failures = [];
    private readonly HashSet<long> plain = [];

    /// <summary>Whether the host would say the same the next time it is told.</summary>
    public bool IsFinal(HiveException e, long turn) =>
        e.Code is not ("unavailable" or "internal") || failures.GetValueOrDefault(turn) >= MostFailures;

    /// <summary>Adds what the agent waits for and owes, as far as the host says it.</summary>
    public async Task<TurnRow> OpenAfterAsync(LineClient line, TurnRow row, CancellationToken giveUp)
    {
        try
        {
            var open = await line.CallAsync("loose_ends", null, giveUp);
            var pending = await line.CallAsync("count_pending_reminders", null, giveUp);
            row = row with
            {
                OpenLooseEnds = open.GetProperty("items").GetArrayLength(),
                OpenReminders = pending.GetProperty("count").GetInt64(),
            };
            stats.Opened(row);
        }
        catch (HiveException)
        {
            // Figures, no more: the turn has ended all the same.
        }

        return row;
    }

    /// <summary>Idempotent at the host: said again after a reconnect until it is answered.</summary>
    /// <exception cref="HiveException">
    /// The host refused. When that <see cref="IsFinal">is final</see>, it is not told again.
    /// </exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public async Task TellAsync(LineClient line, TurnRow row, CancellationToken giveUp)
    {
        try
        {
            if (plain.Contains(row.Id) || !await TakesAllAsync(line, row, giveUp))
                await line.CallAsync("end_turn", row.ToPlainEnding(), giveUp);
        }
        catch (HiveException e)
        {
            if (e.Code == "internal")
                failures[row.Id] = failures.GetValueOrDefault(row.Id) + 1;
            if (IsFinal(e, row.Id))
            {
                log.Error($"the host refused the end of turn {row.Id}, and is not told it again: {e.Message}");
                stats.Sent(row.Id);
            }

            throw;
        }

        stats.Sent(row.Id);
    }

    /// <summary>
    /// Tells of the turns that ended while the host was away, or that an earlier life of this process could not tell it
    /// of.
    /// </summary>
    /// <param name="line">The connection.</param>
    /// <param name="running">The turn that is told of when it ends here.</param>
    /// <param name="giveUp">Ends the telling.</param>
    public async Task TellUnsentAsync(LineClient line, long? running, CancellationToken giveUp)
    {
        foreach (var row in stats.Unsent().Where(r => r.Id != running))
        {
            try
            {
                await TellAsync(line, row, giveUp);
                log.Info($"the host is told that turn {row.Id} ended {row.Outcome.Result}");
            }
            catch (HiveException e) when (IsFinal(e, row.Id))
            {
                // Said; the next one may be welcome.
            }
        }
    }

    /// <summary>Tells all of it. False: the host does not take that.</summary>
    private async Task<bool> TakesAllAsync(LineClient line, TurnRow row, CancellationToken giveUp)
    {
        try
        {
            await line.CallAsync("end_turn", row.ToEnding(), giveUp);
            return true;
        }
        catch (HiveException e) when (e.Code is "invalid" or "too_large" or "internal")
        {
            if (e.Code == "internal" && failures.GetValueOrDefault(row.Id) + 1 < MostWithFigures)
                throw;
            plain.Add(row.Id);
            log.Warn(
                $"the host does not take what turn {row.Id} used: {e.Message}; it is told how the turn ended, and no more"
            );
            // A line that is too long is the last of its connection.
            return e.Code == "too_large" ? throw new IOException(e.Message, e) : false;
        }
    }
}
