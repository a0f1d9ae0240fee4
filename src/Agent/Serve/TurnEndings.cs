using Hive.Agent.Statistics;
using Hive.Protocol;

namespace Hive.Agent.Serve;

/// <summary>
/// Reports the ends of turns to the host. When the host refuses the figures of a turn, its end is reported without
/// them.
/// </summary>
internal sealed class TurnEndings(TurnStats stats, Log log)
{
    // Retries of an internal error of the host: with the same figures, and in total.
    private const int MostWithFigures = 3,
        MostFailures = 7;

    private readonly Dictionary<long, int> failures = [];
    private readonly HashSet<long> withoutFigures = [];

    /// <summary>Whether a refusal is permanent, so that a retry is useless.</summary>
    public bool IsFinal(HiveException e, long turn) =>
        e.Code is not ("unavailable" or "limited" or "internal") || failures.GetValueOrDefault(turn) >= MostFailures;

    /// <summary>Adds the counts of loose ends and reminders, if the host returns them.</summary>
    public async Task<TurnRow> AddOpenAsync(LineClient line, TurnRow row, CancellationToken giveUp)
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
            stats.SetOpen(row);
        }
        catch (HiveException)
        {
            // Missing figures must not cost the report of the turn.
        }

        return row;
    }

    /// <summary>
    /// Reports the end of a turn. The host takes repetitions, so callers repeat it after a reconnect.
    /// </summary>
    /// <exception cref="HiveException">
    /// The host refused. When <see cref="IsFinal"/>, the turn is not reported again.
    /// </exception>
    /// <exception cref="IOException">The connection ended.</exception>
    public async Task ReportAsync(LineClient line, TurnRow row, CancellationToken giveUp)
    {
        try
        {
            if (withoutFigures.Contains(row.Id) || !await TryReportWithFiguresAsync(line, row, giveUp))
                await line.CallAsync("end_turn", row.ToPlainEnding(), giveUp);
        }
        catch (HiveException e)
        {
            if (e.Code == "internal")
                failures[row.Id] = failures.GetValueOrDefault(row.Id) + 1;
            if (IsFinal(e, row.Id))
            {
                log.Error($"the host refused the end of turn {row.Id}; it is not reported again: {e.Message}");
                stats.Sent(row.Id);
            }

            throw;
        }

        stats.Sent(row.Id);
    }

    /// <summary>
    /// Reports the turns that ended while the host was away, or that an earlier process could not report.
    /// </summary>
    /// <param name="line">The connection.</param>
    /// <param name="running">The running turn, which is reported when it ends.</param>
    /// <param name="giveUp">Cancels the reports.</param>
    public async Task ReportUnsentAsync(LineClient line, long? running, CancellationToken giveUp)
    {
        foreach (var row in stats.Unsent().Where(r => r.Id != running))
        {
            try
            {
                await ReportAsync(line, row, giveUp);
                log.Info($"reported to the host: turn {row.Id} ended {row.Outcome.Result}");
            }
            catch (HiveException e) when (IsFinal(e, row.Id))
            {
                // Logged; report the other turns.
            }
        }
    }

    /// <summary>Reports the turn with its figures; false when the host refuses the figures.</summary>
    private async Task<bool> TryReportWithFiguresAsync(LineClient line, TurnRow row, CancellationToken giveUp)
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
            withoutFigures.Add(row.Id);
            log.Warn($"the host refused the figures of turn {row.Id}: {e.Message}; its end is reported without them");
            // The host closes the connection after a line that is too long.
            return e.Code == "too_large" ? throw new IOException(e.Message, e) : false;
        }
    }
}
