using Hive.Common;
using Hive.Common.Storage;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Reports that the host answers, its versions, and the runtime of new agents.</summary>
internal static class Health
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(string Status, string HiveVersion, string SqliteVersion, string Runtime);

    internal sealed class Handler(RuntimeCatalog runtimes, HiveBuild build) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new("ok", build.Version, SqliteLibrary.Version, await runtimes.FindDefault(cancellationToken));
    }
}
