using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Shows a task with its long texts and runs.</summary>
internal static class ShowTask
{
    internal sealed record Query(long Id) : IRequest<Result>;

    internal sealed record Result(TaskDetail Task);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Id).MustBeIdOf("task");
    }

    internal sealed class Handler(IStore store, TaskChanges changes) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result(TaskViews.Detail(db, TaskTable.Require(db, request.Id), changes)),
                cancellationToken
            );
    }
}

/// <summary>Lists the runs of a task, the newest first.</summary>
internal static class ListRuns
{
    internal sealed record Query(long Task) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<TaskRun> Runs);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Task).MustBeIdOf("task", "task");
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(db => new Result(TaskViews.Runs(db, TaskTable.Require(db, request.Task).Id)), cancellationToken);
    }
}
