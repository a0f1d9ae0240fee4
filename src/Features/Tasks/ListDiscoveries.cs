using System.ComponentModel;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Features.Tickets.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Tasks;

/// <summary>Lists discoveries, the newest first.</summary>
internal static class ListDiscoveries
{
    /// <summary>The most discoveries of one answer.</summary>
    public const int Most = 200;

    internal sealed record Query(
        [property: Description("Of one ticket.")] long? Ticket = null,
        [property: Description("Found in one task.")] long? Task = null,
        [property: Description("Of one type.")] string? Type = null,
        [property: Description("In one status.")] string? Status = null,
        [property: Description("At most 200.")] int Limit = 50,
        [property: Description("Only lower ids, for the next page.")] long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<DiscoveryView> Discoveries);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator()
        {
            RuleFor(q => q.Task).MustBeTaskId();
            RuleFor(q => q.Ticket).MustBeTaskId("ticket");
            When(q => q.Type is not null, () => RuleFor(q => q.Type!).MustBeDiscoveryType("type"));
            RuleFor(q => q.Status)
                .Must(status => status is null || DiscoveryState.All.Contains(status))
                .WithMessage($"'status' can be {string.Join(", ", DiscoveryState.All)}");
        }
    }

    internal sealed class Handler(IStore store, ITickets tickets) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query q, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                {
                    if (q.Ticket is { } ticket)
                        tickets.Require(db, ticket);
                    var most = Math.Clamp(q.Limit, 1, Most);
                    return new Result([
                        .. DiscoveryTable
                            .Rows(db, q.Ticket, q.Task, q.Type, q.Status, q.Before, most)
                            .Select(row => row.ToView()),
                    ]);
                },
                cancellationToken
            );
    }
}
