using System.ComponentModel;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Adds up the bookings of a scope.</summary>
internal static class ShowCosts
{
    internal sealed record Query(
        [property: Description("global, ticket, agent, phase, task_type or task; global when left out.")]
            string? Scope = null,
        [property: Description("What of that scope.")] string? ScopeId = null
    ) : IRequest<Result>;

    internal sealed record Result(CostSummary Costs);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            this.MustBeScope(CostScope.All, q => q.Scope ?? BudgetScope.Global, q => q.ScopeId, ("scope", "scope_id"));
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var scope = request.Scope ?? BudgetScope.Global;
            return store.Read(
                db => new Result(BookingTable.Summary(db, scope, CostRules.Normal(scope, request.ScopeId))),
                cancellationToken
            );
        }
    }
}

/// <summary>Lists the bookings of a scope, the newest first.</summary>
internal static class ListCostRecords
{
    /// <summary>The most records of one answer.</summary>
    public const int Most = 200;

    internal sealed record Query(
        [property: Description("global, ticket, agent, phase, task_type or task; global when left out.")]
            string? Scope = null,
        [property: Description("What of that scope.")] string? ScopeId = null,
        [property: Description("At most 200.")] int Limit = 50,
        [property: Description("Only records with lower ids, for the next page.")] long? Before = null
    ) : IRequest<Result>;

    internal sealed record Result(IReadOnlyList<CostRecord> Records);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            this.MustBeScope(CostScope.All, q => q.Scope ?? BudgetScope.Global, q => q.ScopeId, ("scope", "scope_id"));
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var scope = request.Scope ?? BudgetScope.Global;
            return store.Read(
                db => new Result([
                    .. BookingTable
                        .Newest(
                            db,
                            scope,
                            CostRules.Normal(scope, request.ScopeId),
                            request.Before ?? long.MaxValue,
                            Math.Clamp(request.Limit, 1, Most)
                        )
                        .Select(b => b.ToRecord()),
                ]),
                cancellationToken
            );
        }
    }
}
