using Hive.Common.Activities;
using Hive.Protocol;

namespace Hive.Features.Turns;

/// <summary>Names what an agent's harness reported last, or that a program which reports nothing is in a
/// turn.</summary>
internal sealed class HarnessActivity(Harnesses harnesses, RunningTools tools, OpenTurns open) : IActivitySource
{
    public IEnumerable<Activity> Read(string agent)
    {
        var now = harnesses.Of(agent);
        if (!now.Connected)
            return open.Of(agent) is var (turn, began)
                ? [new Activity(ActivityState.Working, began, turn, began, tools.Of(agent, turn))]
                : [];
        var state = HarnessState.ActivityOf(now.State);
        return
        [
            new Activity(
                state,
                state == ActivityState.Working ? now.TurnStartedAt ?? now.SinceAt : now.SinceAt,
                now.Turn,
                now.TurnStartedAt,
                tools.Of(agent, now.Turn),
                state == ActivityState.RateLimited ? now.RateLimitedUntil : null,
                now is { ContextTokens: { } tokens, ContextLimit: > 0 and { } limit }
                    ? (int)Math.Clamp(Math.Round(100.0 * tokens / limit), 0, int.MaxValue)
                    : null
            ),
        ];
    }
}
