using Hive.Features.Containers.Contracts;
using MediatR;

namespace Hive.Features.Containers.Tombstones;

/// <summary>Lists the data that is kept of destroyed agents, for the operator's command line.</summary>
internal static class ListTombstones
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<Tombstone> Tombstones);

    internal sealed class Handler(TombstoneList tombstones) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(tombstones.All));
    }
}
