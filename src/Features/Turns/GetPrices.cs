using MediatR;

namespace Hive.Features.Turns;

/// <summary>Shows the price table.</summary>
internal static class GetPrices
{
    internal sealed record Query : IRequest<Result>;

    /// <param name="Models">The prices in use.</param>
    /// <param name="Fault">Why the file with the prices cannot be used; the last good ones are used then.</param>
    internal sealed record Result(IReadOnlyList<ModelPrice> Models, string? Fault = null);

    internal sealed class Handler(Prices prices) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var (table, fault) = prices.Refresh();
            return Task.FromResult(new Result(table.Models, fault));
        }
    }
}
