using Hive.Common;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>That the host answers, what it is made of, and the runtime new agents get.</summary>
internal static class Health
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(string Status, string HiveVersion, string SqliteVersion, string Runtime);

    internal sealed class Handler(Runtimes runtimes, HiveBuild build) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new("ok", build.Version, SqliteLibrary.Version, await runtimes.Default(cancellationToken));
    }
}
