using FluentValidation;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Collaboration;

/// <summary>Lists handoffs, the newest first.</summary>
internal static class ListHandoffs
{
    private static readonly string[] States =
    [
        HandoffStatus.Requested,
        HandoffStatus.Accepted,
        HandoffStatus.Declined,
        HandoffStatus.Expired,
        HandoffStatus.Withdrawn,
    ];

    /// <param name="Task">Those of a task.</param>
    /// <param name="Status">Those in one state.</param>
    /// <param name="Limit">At most 200.</param>
    /// <param name="Before">Only lower ids, for the next page.</param>
    internal sealed record Query(long? Task = null, string? Status = null, int Limit = 50, long? Before = null)
        : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<HandoffView> Handoffs);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(q => q.Status).MustBeStatus(States);
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read(
                db => new Result([
                    .. HandoffTable.List(db, q.Task, q.Status, q.Limit, q.Before).Select(row => row.ToView()),
                ]),
                cancellationToken
            );
    }
}
