using FluentValidation;
using Hive.Common.Doors;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Costs.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;
using MediatR;

namespace Hive.Features.Costs;

/// <summary>Makes a budget, or changes the one with the same scope and period, which keeps what is left
/// out.</summary>
internal static class SetBudget
{
    /// <param name="Scope"><c>global</c>, <c>ticket</c>, <c>agent</c>, <c>phase</c> or <c>task_type</c>.</param>
    /// <param name="Caller">Who sets it.</param>
    /// <param name="ScopeId">The ticket's id, the agent, <c>workflow/PHASE_…</c> or the task type.</param>
    /// <param name="LimitUsd">The limit in US dollars; this or <paramref name="LimitTokens"/> is needed.</param>
    /// <param name="LimitTokens">The limit in tokens of all kinds.</param>
    /// <param name="Period"><c>once</c>, <c>day</c>, <c>week</c> or <c>month</c>; null for <c>once</c>.</param>
    /// <param name="AlertThreshold">The share of the limit at which the operator is warned, 0.01 to 1; null for
    /// 0.8, or as it is.</param>
    /// <param name="OnExceed"><c>hold</c>, <c>cancel</c> or <c>warn</c>; null for <c>hold</c>, or as it is.</param>
    /// <param name="Clear">The limits to remove from a budget that has both: <c>limit_usd</c> or
    /// <c>limit_tokens</c>.</param>
    /// <param name="Key">Text of the caller's own: a repeated call with it gets the first one's answer.</param>
    internal sealed record Command(
        string Scope,
        Caller Caller,
        string? ScopeId = null,
        double? LimitUsd = null,
        long? LimitTokens = null,
        string? Period = null,
        double? AlertThreshold = null,
        string? OnExceed = null,
        IReadOnlyList<string>? Clear = null,
        string? Key = null
    ) : IRequest<Result>;

    internal sealed record Result(BudgetView Budget);

    /// <summary>The limit in US dollars, in <c>clear</c>.</summary>
    internal const string Usd = "limit_usd";

    /// <summary>The limit in tokens, in <c>clear</c>.</summary>
    internal const string Tokens = "limit_tokens";

    private static readonly string[] Limits = [Usd, Tokens];

    internal sealed class Validator : AbstractValidator<Command>
    {
        public Validator()
        {
            this.MustBeScope(BudgetScope.All, c => c.Scope, c => c.ScopeId, ("scope", "scope_id"));
            RuleFor(c => c)
                .Must(c => c.LimitUsd is not null || c.LimitTokens is not null || c.Clear is { Count: > 0 })
                .WithMessage("'limit_usd' and 'limit_tokens' are both missing; give at least one")
                .Must(c => c.Clear is null || !Given(c).Any(c.Clear.Contains))
                .WithMessage("a limit is both given and in 'clear'; leave one of them out");
            RuleFor(c => c.Clear)
                .Must(c => c is null || c.All(Limits.Contains))
                .WithMessage($"'clear' can name {string.Join(", ", Limits)}");
            RuleFor(c => c.LimitUsd)
                .InclusiveBetween(CostRules.LeastUsd, CostRules.MostUsd)
                .WithMessage($"'limit_usd' must be 0.000001 to {CostRules.MostUsd:0}");
            RuleFor(c => c.LimitTokens)
                .InclusiveBetween(1, CostRules.MostTokens)
                .WithMessage($"'limit_tokens' must be 1 to {CostRules.MostTokens}");
            RuleFor(c => c.Period)
                .Must(period => period is null || BudgetPeriod.All.Contains(period))
                .WithMessage($"'period' must be one of {string.Join(", ", BudgetPeriod.All)}");
            RuleFor(c => c.AlertThreshold)
                .InclusiveBetween(0.01, 1)
                .WithMessage("'alert_threshold' must be 0.01 to 1, a share of the limit");
            RuleFor(c => c.OnExceed)
                .Must(act => act is null || BudgetWords.All.Contains(act))
                .WithMessage($"'on_exceed' must be one of {string.Join(", ", BudgetWords.All)}");
            RuleFor(c => c.Key).MustBeKey();
        }

        private static IEnumerable<string> Given(Command command)
        {
            if (command.LimitUsd is not null)
                yield return Usd;
            if (command.LimitTokens is not null)
                yield return Tokens;
        }
    }

    internal sealed class Handler(IStore store, Budgets budgets, IRoster roster, IdempotencyKeys keys)
        : IRequestHandler<Command, Result>
    {
        private const double UsualThreshold = 0.8;

        public Task<Result> Handle(Command command, CancellationToken cancellationToken) =>
            store.Write(
                write => keys.Once(write, command.Caller.Name, "budget_set", command.Key, () => Set(write, command)),
                CancellationToken.None
            );

        private Result Set(IWrite write, Command command)
        {
            roster.MustExist(command.Scope, command.ScopeId);
            var id = CostRules.Normal(command.Scope, command.ScopeId);
            var period = command.Period ?? BudgetPeriod.Once;
            var known = budgets.Find(command.Scope, id, period);
            if (known is null && budgets.All.Count() >= CostRules.MostBudgets)
                throw Problem.Conflict(
                    $"there are {CostRules.MostBudgets} budgets, which is the limit; delete one that is not needed"
                );
            bool Clears(string limit) => command.Clear?.Contains(limit) == true;
            long? micro =
                command.LimitUsd is { } usd ? Money.Micro(usd)
                : Clears(Usd) ? null
                : known?.LimitMicro;
            var tokens = command.LimitTokens ?? (Clears(Tokens) ? null : known?.LimitTokens);
            if (micro is null && tokens is null)
                throw known is null
                    ? Problem.NotFound($"no budget of that scope has the period '{period}'; give a limit to make one")
                    : Problem.Conflict(
                        $"{known.Words} would have no limit left; give the other limit, or delete budget {known.Id}"
                    );
            return new Result(
                budgets
                    .Set(
                        write,
                        new Budget
                        {
                            Scope = command.Scope,
                            ScopeId = id,
                            LimitMicro = micro,
                            LimitTokens = tokens,
                            Period = period,
                            PeriodStart = 0,
                            AlertThreshold = command.AlertThreshold ?? known?.AlertThreshold ?? UsualThreshold,
                            OnExceed = command.OnExceed ?? known?.OnExceed ?? BudgetWords.Hold,
                            CreatedAt = 0,
                            UpdatedAt = 0,
                        }
                    )
                    .ToView()
            );
        }
    }
}
