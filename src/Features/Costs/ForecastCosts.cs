using System.Data.Common;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Estimates what tasks will cost: half of the tokens of each as input, half as output, times 1.2.</summary>
internal static class ForecastCosts
{
    private const int MostTasks = 1_000_000;
    private const long MostTokens = 1_000_000_000;
    private const string UsualModel = "claude-sonnet-4-5";
    private const int NameBytes = 200;

    /// <param name="PendingTaskCount">How many tasks; this or <paramref name="Ticket"/> is needed.</param>
    /// <param name="Ticket">A ticket, whose tasks that are still to be done are counted.</param>
    /// <param name="AvgTokensPerTask">Tokens of one task; null for the median of the type of a ticket's task, or
    /// 5,000.</param>
    /// <param name="Provider">The model's provider, for a price that is listed with it.</param>
    /// <param name="Model">The model; null for <c>claude-sonnet-4-5</c>.</param>
    internal sealed record Query(
        int? PendingTaskCount = null,
        long? Ticket = null,
        long? AvgTokensPerTask = null,
        string? Provider = null,
        string? Model = null
    ) : IRequest<Result>;

    internal sealed record Result(CostForecast Forecast);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q)
                .Must(q => q.PendingTaskCount is null != q.Ticket is null)
                .WithMessage("give either 'pending_task_count' or 'ticket'");
            RuleFor(q => q.PendingTaskCount)
                .InclusiveBetween(0, MostTasks)
                .WithMessage($"'pending_task_count' must be 0 to {MostTasks}");
            RuleFor(q => q.Ticket).GreaterThan(0).WithMessage("'ticket' must be a positive ticket id");
            RuleFor(q => q.AvgTokensPerTask)
                .InclusiveBetween(1, MostTokens)
                .WithMessage($"'avg_tokens_per_task' must be 1 to {MostTokens}");
            RuleFor(q => q.Provider).MustBeText(NameBytes);
            RuleFor(q => q.Model).MustBeText(NameBytes);
        }
    }

    internal sealed class Handler(IStore store, IPrices prices, Lazy<IEnumerable<IBudgetedWork>> work)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(Forecast(db, request)), cancellationToken);

        private CostForecast Forecast(DbConnection db, Query query)
        {
            var usual = (Tokens: query.AvgTokensPerTask ?? RunEstimates.UsualTokens, Micro: (long?)null);
            ((long Tokens, long? Micro) Of, int Count)[] tasks = query.Ticket is { } ticket
                ?
                [
                    .. Pending(db, ticket)
                        .Select(p => (query.AvgTokensPerTask is null ? Of(db, p.TaskType) : usual, p.Count)),
                ]
                : [(usual, query.PendingTaskCount!.Value)];
            var count = tasks.Sum(t => t.Count);
            var tokens = tasks.Sum(t => t.Of.Tokens * t.Count);
            var micro = tasks.Sum(t => (t.Of.Micro ?? PriceOf(query, t.Of.Tokens).Micro) * (double)t.Count);
            return new CostForecast(
                count,
                Money.Usd((long)Math.Round(micro * RunEstimates.Buffer)),
                tokens,
                count == 0 ? query.AvgTokensPerTask ?? RunEstimates.UsualTokens : tokens / count,
                RunEstimates.Buffer,
                PriceOf(query, RunEstimates.UsualTokens).Basis
            );
        }

        private IEnumerable<(string TaskType, int Count)> Pending(DbConnection db, long ticket) =>
            work.Value.SelectMany(one => one.Pending(db, ticket));

        // Some tools report what a turn cost, and no tokens.
        private (long Tokens, long? Micro) Of(DbConnection db, string type) =>
            RunEstimates.Median(db, type, [.. work.Value.SelectMany(one => one.OpenRuns)]) switch
            {
                { Tokens: > 0 } known => (known.Tokens, null),
                { Micro: > 0 } known => (0, known.Micro),
                _ => (RunEstimates.UsualTokens, null),
            };

        // A table of prices may list a model with its provider, or by its name alone.
        private PricedTokens PriceOf(Query query, long tokens)
        {
            var model = query.Model ?? UsualModel;
            var half = new Tokens(tokens / 2, tokens - (tokens / 2), 0, 0);
            var listed = TurnPrices.Of(prices, $"{query.Provider}/{model}", half, null);
            return listed.Basis == CostBasis.Table ? listed : TurnPrices.Of(prices, model, half, null);
        }
    }
}
