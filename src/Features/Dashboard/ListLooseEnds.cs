using System.Data.Common;
using Hive.Common.Doors;
using Hive.Common.Notifications;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Dashboard;

/// <summary>Lists what the calling agent waits for or owes, oldest first.</summary>
internal static class ListLooseEnds
{
    internal sealed record Query(Caller Caller) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<LooseEnd> Items);

    internal sealed class Handler(IStore store, IEnumerable<ILooseEnds> sources) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(All(sources, db, request.Caller.Name)), cancellationToken);
    }

    internal static IReadOnlyList<LooseEnd> All(IEnumerable<ILooseEnds> sources, DbConnection db, string? agent) =>
        [.. sources.SelectMany(source => source.Read(db, agent)).OrderByDescending(end => end.AgeSeconds)];
}

/// <summary>Shows in the snapshot what all agents wait for or owe: one list, each item with its agent.</summary>
internal sealed class LooseEndsSection(IEnumerable<ILooseEnds> sources) : IDashboardSection
{
    public string Name => "loose_ends";

    public Type Type => typeof(IReadOnlyList<LooseEnd>);

    public object Read(DbConnection db) => ListLooseEnds.All(sources, db, null);
}
