using Hive.Common.Persistence;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>That the host answers, what it is made of, and the runtime new agents get.</summary>
internal static class Health
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(string Status, string HiveVersion, string SqliteVersion, string Runtime);

    internal sealed class Handler(Runtimes runtimes) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            new("ok", HiveVersion.Text, SqliteLibrary.Version, await runtimes.Default(cancellationToken));
    }
}
