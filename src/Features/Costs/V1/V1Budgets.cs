using System.Text.Json.Serialization;
using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Storage;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs.V1;

/// <summary>A budget under the names of <c>/api/v1</c>, beside those that the sockets have.</summary>
/// <param name="Budget">Its members as on the sockets.</param>
/// <param name="ScopeType">Its scope.</param>
/// <param name="SpentAmount">US dollars of its period.</param>
/// <param name="UtilizationPercent">What is spent of the limit; of two limits, the higher share.</param>
/// <param name="AlertTriggered">Its level is not <c>ok</c>.</param>
/// <param name="LimitAmount">The limit in US dollars.</param>
/// <param name="RemainingAmount">US dollars that are left; negative when more was spent.</param>
internal sealed record V1Budget(
    [property: JsonIgnore] BudgetView Budget,
    string ScopeType,
    double SpentAmount,
    double UtilizationPercent,
    bool AlertTriggered,
    double? LimitAmount = null,
    double? RemainingAmount = null
)
{
    public long Id => Budget.Id;

    public string? ScopeId => Budget.ScopeId;

    public string Period => Budget.Period;

    public DateTimeOffset PeriodStart => Budget.PeriodStart;

    public DateTimeOffset? PeriodEnd => Budget.PeriodEnd;

    public double ReservedUsd => Budget.ReservedUsd;

    public long? LimitTokens => Budget.LimitTokens;

    public long SpentTokens => Budget.SpentTokens;

    public long ReservedTokens => Budget.ReservedTokens;

    public double AlertThreshold => Budget.AlertThreshold;

    public string Level => Budget.Level;

    public string OnExceed => Budget.OnExceed;

    public BudgetHeld? Held => Budget.Held;

    public DateTimeOffset CreatedAt => Budget.CreatedAt;

    public DateTimeOffset UpdatedAt => Budget.UpdatedAt;

    public static V1Budget Of(BudgetView budget) =>
        new(
            budget,
            budget.Scope,
            budget.SpentUsd,
            Math.Round(
                100
                    * Math.Max(
                        budget.LimitUsd is { } limit ? budget.SpentUsd / limit : 0,
                        budget.LimitTokens is { } tokens ? budget.SpentTokens / (double)tokens : 0
                    ),
                2
            ),
            budget.Level != BudgetLevel.Ok,
            budget.LimitUsd,
            budget.LimitUsd - budget.SpentUsd
        );
}

/// <summary>Lists the budgets for <c>/api/v1</c>.</summary>
internal static class V1ListBudgets
{
    /// <param name="ScopeType">Only those of a scope.</param>
    /// <param name="Limit">The most entries.</param>
    /// <param name="Before">Only lower ids.</param>
    internal sealed record Query(string? ScopeType = null, int? Limit = null, long? Before = null)
        : IRequest<IReadOnlyList<V1Budget>>;

    internal sealed class Handler(IStore store) : IRequestHandler<Query, IReadOnlyList<V1Budget>>
    {
        public Task<IReadOnlyList<V1Budget>> Handle(Query request, CancellationToken cancellationToken) =>
            store.Read(
                db =>
                    Budget
                        .Read(db)
                        .Where(b => request.ScopeType is null || b.Scope == request.ScopeType)
                        .Select(b => V1Budget.Of(b.ToView()))
                        .Page(request.Limit, request.Before, b => b.Id),
                cancellationToken
            );
    }
}

/// <summary>Makes a budget for <c>/api/v1</c>, or replaces the limits of the one with the same scope and
/// period.</summary>
internal static class V1SetBudget
{
    /// <param name="ScopeType"><c>global</c>, <c>ticket</c>, <c>agent</c>, <c>phase</c> or <c>task_type</c>.</param>
    /// <param name="Caller">Who sets it.</param>
    /// <param name="ScopeId">What of that scope.</param>
    /// <param name="LimitAmount">The limit in US dollars; this or <paramref name="LimitTokens"/> is needed.</param>
    /// <param name="LimitTokens">The limit in tokens of all kinds.</param>
    /// <param name="Period"><c>once</c>, <c>day</c>, <c>week</c> or <c>month</c>; null for <c>once</c>.</param>
    /// <param name="AlertThreshold">The share of the limit at which the operator is warned; null for 0.8.</param>
    /// <param name="OnExceed"><c>hold</c>, <c>cancel</c> or <c>warn</c>; null for <c>hold</c>.</param>
    /// <param name="Clear">The limits to remove from a budget that has both: <c>limit_amount</c> or
    /// <c>limit_tokens</c>.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it gets the first one's answer.</param>
    internal sealed record Command(
        string ScopeType,
        Caller Caller,
        string? ScopeId = null,
        double? LimitAmount = null,
        long? LimitTokens = null,
        string? Period = null,
        double? AlertThreshold = null,
        string? OnExceed = null,
        IReadOnlyList<string>? Clear = null,
        string? Key = null
    ) : IRequest<V1Budget>, ICreated;

    private const string Amount = "limit_amount";

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            this.MustBeScope(BudgetScope.All, c => c.ScopeType, c => c.ScopeId, ("scope_type", "scope_id"));
            RuleFor(c => c)
                .Must(c => c.LimitAmount is not null || c.LimitTokens is not null || c.Clear is { Count: > 0 })
                .WithMessage("'limit_amount' and 'limit_tokens' are both missing; give at least one");
            RuleFor(c => c.Clear)
                .Must(c => c is null || c.All(limit => limit is Amount or SetBudget.Tokens))
                .WithMessage($"'clear' can name {Amount}, {SetBudget.Tokens}");
            RuleFor(c => c.LimitAmount)
                .InclusiveBetween(CostRules.LeastUsd, CostRules.MostUsd)
                .WithMessage($"'limit_amount' must be 0.000001 to {CostRules.MostUsd:0}");
        }
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Command, V1Budget>
    {
        public async Task<V1Budget> Handle(Command command, CancellationToken cancellationToken) =>
            V1Budget.Of(
                (
                    await mediator.Send(
                        new SetBudget.Command(
                            command.ScopeType,
                            command.Caller,
                            command.ScopeId,
                            command.LimitAmount,
                            command.LimitTokens,
                            command.Period,
                            command.AlertThreshold,
                            command.OnExceed,
                            command.Clear?.Select(limit => limit == Amount ? SetBudget.Usd : limit).ToArray(),
                            command.Key
                        ),
                        cancellationToken
                    )
                ).Budget
            );
    }
}

/// <summary>Tells how the newest budget of a scope is, for <c>/api/v1</c>.</summary>
internal static class V1CheckBudget
{
    /// <param name="ScopeType"><c>global</c>, <c>ticket</c>, <c>agent</c>, <c>phase</c> or <c>task_type</c>.</param>
    /// <param name="ScopeId">What of that scope.</param>
    internal sealed record Query(string ScopeType, string? ScopeId = null) : IRequest<Result>;

    internal sealed record Result(
        bool Exists,
        double Spent,
        double UtilizationPercent,
        bool Exceeded,
        double? Limit = null,
        double? Remaining = null,
        double? AlertThreshold = null,
        bool? AlertTriggered = null
    );

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            this.MustBeScope(BudgetScope.All, q => q.ScopeType, q => q.ScopeId, ("scope_type", "scope_id"));
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, Result>
    {
        public Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var id = CostRules.Normal(request.ScopeType, request.ScopeId);
            return store.Read(
                db =>
                    Budget.Read(db).LastOrDefault(b => b.Scope == request.ScopeType && b.ScopeId == id) is { } found
                    && V1Budget.Of(found.ToView()) is var budget
                        ? new Result(
                            true,
                            budget.SpentAmount,
                            budget.UtilizationPercent,
                            found.IsExceeded,
                            budget.LimitAmount,
                            budget.RemainingAmount,
                            budget.AlertThreshold,
                            budget.AlertTriggered
                        )
                        : new Result(false, 0, 0, false),
                cancellationToken
            );
        }
    }
}
