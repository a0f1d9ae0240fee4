using Hive.Common.Storage;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Counts the open tasks, and those that stand still until the operator decides something.</summary>
internal static class ShowWork
{
    internal sealed record Query : IRequest<Result>;

    internal sealed record Result(WorkCounts Work);

    internal sealed class Handler(IStore store, WaitingList list, ITaskRuns runs) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var rows = list.Rows.Where(row => row.Tickets is not null).ToArray();
                    var (open, stopped) = runs.Count(
                        db,
                        rows.SelectMany(row => row.Tasks ?? []),
                        rows.Where(row => row.Tasks is null).SelectMany(row => row.Tickets!)
                    );
                    return new Result(
                        new WorkCounts(open, stopped, rows.SelectMany(row => row.Tickets!).Distinct().Count())
                    );
                },
                cancellationToken
            );
    }
}
