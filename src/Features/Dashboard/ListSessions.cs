using Hive.Protocol;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Lists the open sessions of the dashboard, the one used last first, at most 200.</summary>
internal static class ListSessions
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<SessionView> Sessions);

    internal sealed class Handler(OperatorKeys keys, Visitor visitor) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(keys.List(visitor.Current().Session)));
    }
}
