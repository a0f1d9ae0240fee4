using Microsoft.AspNetCore.Http;

namespace Hive.Common.Doors;

/// <summary>
/// Limits wrong keys and codes: after 10 in a minute, each further one is answered with a wait. A right key always
/// opens, so that nobody can lock the operator out; the length of the keys makes guessing hopeless.
/// </summary>
public sealed class WrongKeys(Refusals refusals, TimeProvider clock)
{
    private const int PerMinute = 10;

    private readonly Lock gate = new();
    private DateTimeOffset windowEnds;
    private int count;

    /// <summary>Counts one wrong key, also for the audit.</summary>
    /// <returns>True when there were too many; <paramref name="wait"/> says for how long.</returns>
    public bool TooMany(string kind, HttpContext http, out TimeSpan wait)
    {
        refusals.Note(kind, http);
        var now = clock.GetUtcNow();
        lock (gate)
        {
            if (now >= windowEnds)
                (windowEnds, count) = (now.AddMinutes(1), 0);
            wait = windowEnds - now;
            return ++count > PerMinute;
        }
    }
}
