using FluentValidation;
using Hive.Common.Notifications;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Waiting;

/// <summary>Lists what waits for the operator, the most urgent first.</summary>
internal static class ListWaiting
{
    internal sealed record Query(string? Kind = null, string? Agent = null, bool? Snoozed = null) : IRequest<Result>;

    internal sealed record Result(string Cursor, IReadOnlyList<WaitingView> Waiting);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator(WaitingList list) => RuleFor(q => q.Kind).MustBeKind(list);
    }

    internal sealed class Handler(WaitingList list, EventHub hub) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            // Taken before the list is read, so that an event between the two is replayed and not missed.
            var cursor = hub.Head.ToString();
            return Task.FromResult(new Result(cursor, Filtered(list, request.Kind, request.Agent, request.Snoozed)));
        }
    }

    internal static IReadOnlyList<WaitingView> Filtered(WaitingList list, string? kind, string? agent, bool? snoozed) =>
        [
            .. list.Rows.Where(row =>
                (kind is null || row.Kind == kind)
                && (agent is null || row.Agent == agent)
                && (snoozed is null || row.SnoozedUntilAt is not null == snoozed)
            ),
        ];

    internal static void MustBeKind<T>(this IRuleBuilder<T, string?> rule, WaitingList list) =>
        rule.Must(kind => kind is null || list.Kinds.Contains(kind))
            .WithMessage($"'kind' is not a kind of waiting thing; use one of {string.Join(", ", list.Kinds)}");
}
