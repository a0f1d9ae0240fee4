using Hive.Common;
using Hive.Common.Doctor;
using Hive.Common.Storage;
using Hive.Runtimes;
using MediatR;

namespace Hive.Features.Containers;

/// <summary>Reports that the host answers, what does not work, its versions, and the runtime of new
/// agents.</summary>
internal static class Health
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(
        string Status,
        IReadOnlyList<string> Problems,
        string HiveVersion,
        string SqliteVersion,
        string Runtime
    );

    internal sealed class Handler(RuntimeCatalog runtimes, HiveBuild build, IEnumerable<ITrouble> troubles)
        : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            Tell(runtimes, build, troubles, trouble => trouble.Brief, cancellationToken);
    }

    /// <summary>Asks all parts; <paramref name="words"/> chooses how much the caller learns.</summary>
    internal static async Task<Result> Tell(
        RuntimeCatalog runtimes,
        HiveBuild build,
        IEnumerable<ITrouble> troubles,
        Func<Trouble, string> words,
        CancellationToken ct
    )
    {
        var found = await Task.WhenAll(troubles.Select(t => t.Find()));
        string[] problems = [.. found.SelectMany(f => f).Select(words)];
        return new(
            problems.Length == 0 ? "ok" : "failing",
            problems,
            build.Version,
            SqliteLibrary.Version,
            await runtimes.FindDefault(ct)
        );
    }
}
