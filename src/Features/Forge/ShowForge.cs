using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>Shows the state of the forge, its accounts, and what is pushed.</summary>
internal static class ShowForge
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(ForgeView Forge);

    internal sealed class Handler(ForgeStatus status) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(status.View));
    }
}
