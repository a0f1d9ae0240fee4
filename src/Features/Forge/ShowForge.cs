using Hive.Protocol;
using MediatR;

namespace Hive.Features.Forge;

/// <summary>How the forge stands, who has an account there, and what is pushed.</summary>
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
