using Hive.Features.Agents.Contracts;
using MediatR;

namespace Hive.Features.Agents;

/// <summary>Lists the names of all agents.</summary>
internal static class ListAgents
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<string> Agents);

    internal sealed class Handler(IRoster roster) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(roster.Names));
    }
}
