using Dapper;
using Hive.Common.Storage;
using Hive.Features.Containers.Contracts;

namespace Hive.Features.Turns;

/// <summary>Stores the begin and the end of an agent's process among its events, so that its terminal shows them
/// between its turns.</summary>
internal sealed class RunEvents(AgentEvents events, TimeProvider clock) : IRunEvents
{
    /// <inheritdoc />
    public void Started(IWrite write, string agent, string reason) =>
        Append(write, agent, EventText.ProcessStarted(clock.GetUtcNow(), reason));

    /// <inheritdoc />
    public void Ended(IWrite write, string agent, string? how, string? lastWords)
    {
        // The note of a lost turn has the end of the log.
        var log = how is null || HasTurn(write, agent) ? null : lastWords;
        Append(write, agent, EventText.ProcessEnded(clock.GetUtcNow(), how, log));
    }

    /// <inheritdoc />
    public void StartFailed(IWrite write, string agent, string why) =>
        Append(write, agent, EventText.StartFailed(clock.GetUtcNow(), why));

    private void Append(IWrite write, string agent, EventText told) => events.Append(write, agent, [told]);

    private static bool HasTurn(IWrite write, string agent) =>
        write.Db.ExecuteScalar<long>(
            "SELECT count(*) FROM turns WHERE agent = @agent AND ended_at IS NULL",
            new { agent }
        ) > 0;
}
