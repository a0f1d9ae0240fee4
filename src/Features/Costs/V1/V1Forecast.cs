using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs.V1;

/// <summary>Estimates what tasks will cost, for <c>/api/v1</c>.</summary>
internal static class V1Forecast
{
    /// <param name="PendingTaskCount">How many tasks; this or <paramref name="Ticket"/> is needed.</param>
    /// <param name="Ticket">A ticket, whose tasks that are still to be done are counted.</param>
    /// <param name="AvgTokensPerTask">Tokens of one task.</param>
    /// <param name="Provider">The model's provider.</param>
    /// <param name="Model">The model.</param>
    internal sealed record Query(
        int? PendingTaskCount = null,
        long? Ticket = null,
        long? AvgTokensPerTask = null,
        string? Provider = null,
        string? Model = null
    ) : IRequest<CostForecast>;

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, CostForecast>
    {
        public async Task<CostForecast> Handle(Query request, CancellationToken cancellationToken) =>
            (
                await mediator.Send(
                    new ForecastCosts.Query(
                        request.PendingTaskCount,
                        request.Ticket,
                        request.AvgTokensPerTask,
                        request.Provider,
                        request.Model
                    ),
                    cancellationToken
                )
            ).Forecast;
    }
}
