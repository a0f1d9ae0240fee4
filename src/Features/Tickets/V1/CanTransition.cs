using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using MediatR;

namespace Hive.Features.Tickets.V1;

/// <summary>Tells whether a ticket may move to a phase, and why not.</summary>
internal static class CanTransition
{
    internal sealed record Query(long Id, string ToPhase) : IRequest<Result>;

    internal sealed record Result(
        bool Allowed,
        IReadOnlyList<string> Reasons,
        IReadOnlyList<string> AllowedTransitions
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() => RuleFor(c => c.Id).MustBeIdOf("ticket");
    }

    internal sealed class Handler(IStore store, MoveRules rules, TicketViews views) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query query, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    var row = TicketTable.Require(db, query.Id);
                    IReadOnlyList<string> reasons = row.IsDone
                        ? [MoveRules.Ended(row).Message]
                        : rules.Reasons(db, row, rules.WorkflowOf(row).RequireTarget(query.ToPhase));
                    return new Result(reasons.Count == 0, reasons, views.AllowedFrom(row));
                },
                cancellationToken
            );
    }
}
