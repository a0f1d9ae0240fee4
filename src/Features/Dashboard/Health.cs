using Hive.Common.Persistence;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>That the host answers, and what it is made of.</summary>
internal static class Health
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(string Status, string HiveVersion, string SqliteVersion, string Runtime);

    internal sealed class Handler : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Task.FromResult(new Result("ok", HiveVersion.Text, SqliteLibrary.Version, System.Runtime.InteropServices.RuntimeInformation.FrameworkDescription));
    }
}
