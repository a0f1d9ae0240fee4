using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Creates a login link, which works once within ten minutes.</summary>
internal static class OpenLink
{
    internal sealed record Command : IRequest<Result>;

    internal sealed record Result(string Url);

    internal sealed class Handler(OperatorKeys keys, DashboardUrls urls) : IRequestHandler<Command, Result>
    {
        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            Task.FromResult(new Result(urls.LoginLink(keys.NewCode())));
    }
}
