using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Lists the addresses of the dashboard.</summary>
internal static class ListUrls
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<string> Urls);

    internal sealed class Handler(DashboardUrls urls) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(urls.All));
    }
}
