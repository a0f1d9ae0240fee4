using MediatR;

namespace Hive.Features.Turns;

/// <summary>What models cost.</summary>
internal static class GetPrices
{
    internal sealed record Query : IRequest<Result>;

    /// <param name="Models">The prices that hold.</param>
    /// <param name="Fault">Why the file with them cannot be used; the last good ones hold then.</param>
    internal sealed record Result(IReadOnlyList<ModelPrice> Models, string? Fault = null);

    internal sealed class Handler(Prices prices) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var (table, fault) = prices.Look();
            return Task.FromResult(new Result(table.Models, fault));
        }
    }
}
