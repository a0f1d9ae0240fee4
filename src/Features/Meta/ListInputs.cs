using Hive.Features.Meta.Contracts;
using MediatR;

namespace Hive.Features.Meta;

/// <summary>Lists the pinned inputs, for the operator's command line.</summary>
internal static class ListInputs
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<MetaInput> MetaInputs);

    internal sealed class Handler(SwarmLock swarm) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(swarm.Inputs));
    }
}
