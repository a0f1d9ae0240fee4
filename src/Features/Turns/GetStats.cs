using System.Data.Common;
using FluentValidation;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Turns;

/// <summary>Adds up the turns of a window that ends now: by agent, and by bucket of time for charts.</summary>
internal static class GetStats
{
    private static readonly Dictionary<string, (TimeSpan Window, TimeSpan Bucket)> Windows = new(StringComparer.Ordinal)
    {
        ["1h"] = (TimeSpan.FromHours(1), TimeSpan.FromSeconds(60)),
        ["24h"] = (TimeSpan.FromHours(24), TimeSpan.FromMinutes(30)),
        ["7d"] = (TimeSpan.FromDays(7), TimeSpan.FromHours(3)),
        ["30d"] = (TimeSpan.FromDays(30), TimeSpan.FromHours(12)),
    };

    internal sealed record Query(string? Window = null, string? Agent = null) : IRequest<Result>;

    /// <param name="Window">The window.</param>
    /// <param name="FromAt">The start of the first bucket; a multiple of a bucket's length.</param>
    /// <param name="ToAt">The time of the query; the last bucket is not full yet.</param>
    /// <param name="BucketSeconds">The length of a bucket.</param>
    /// <param name="UnknownModels">Models that are not in the price table: their tokens are counted, their cost is
    /// not.</param>
    /// <param name="Agents">Every agent that ended a turn, by name.</param>
    /// <param name="Buckets">All buckets, also those without a turn.</param>
    /// <param name="Slowest">The turn that took longest; only in windows of up to a day, whose turns are read one by
    /// one.</param>
    internal sealed record Result(
        string Window,
        DateTimeOffset FromAt,
        DateTimeOffset ToAt,
        long BucketSeconds,
        IReadOnlyList<string> UnknownModels,
        IReadOnlyList<AgentStats> Agents,
        IReadOnlyList<StatsBucket> Buckets,
        SlowestTurn? Slowest = null
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(IAgentNames names)
        {
            RuleFor(q => q.Window)
                .Must(w => w is null || Windows.ContainsKey(w))
                .WithMessage($"'window' must be one of {string.Join(", ", Windows.Keys)}");
            RuleFor(q => q.Agent).MustBeAgentsName(names, "agent");
        }
    }

    internal sealed class Handler(IStore store, Prices prices, TimeProvider clock) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var name = request.Window ?? "24h";
            var (window, bucket) = Windows[name];
            var now = clock.GetUtcNow();
            var slot = (long)bucket.TotalMilliseconds;
            var to = now.ToUnixTimeMilliseconds();
            var count = (int)(window / bucket);
            var from = (to - (to % slot)) - ((count - 1) * slot);
            var (sums, slowest) = await store.Read(
                db =>
                    (
                        TurnSums.Read(db, from, to, slot, request.Agent),
                        window <= TimeSpan.FromDays(1) ? SlowestTurn.Read(db, from, to, request.Agent) : null
                    ),
                cancellationToken
            );
            var (table, _) = prices.Refresh();
            return new Result(
                name,
                DateTimeOffset.FromUnixTimeMilliseconds(from),
                now,
                (long)bucket.TotalSeconds,
                [
                    .. sums.Where(s => s.Model is not null && s.WithTokens > 0 && table.Of(s.Model) is null)
                        .Select(s => s.Model!)
                        .Distinct()
                        .Order(StringComparer.Ordinal),
                ],
                TurnSums.ByAgent(sums, table),
                TurnSums.BySlot(sums, table, from, slot, count),
                slowest
            );
        }
    }
}

/// <summary>The sums of each agent's turns of the last 24 hours, in the snapshot.</summary>
internal sealed class StatsSection(Prices prices, TimeProvider clock) : IDashboardSection
{
    private const long Day = 24L * 60 * 60 * 1000;

    public string Name => "stats";

    public Type Type => typeof(IReadOnlyList<AgentStats>);

    public object Read(DbConnection db)
    {
        var now = clock.GetUtcNow().ToUnixTimeMilliseconds();
        // One slot, because only the sums are used.
        return TurnSums.ByAgent(TurnSums.Read(db, now - Day, now, Day + 1, null), prices.Refresh().Table);
    }
}
