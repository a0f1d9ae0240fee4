using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Lists every agent's row, for the operator's command line.</summary>
internal static class AgentStatus
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Protocol.ContainerView> AgentStatuses);

    internal sealed class Handler(AgentRows rows) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(rows.All));
    }
}
