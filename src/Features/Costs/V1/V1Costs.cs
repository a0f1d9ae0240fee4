using System.ComponentModel;
using FluentValidation;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using MediatR;

namespace Hive.Features.Costs.V1;

/// <summary>A booking under the names of <c>/api/v1</c>.</summary>
/// <param name="Id">Its id.</param>
/// <param name="AgentId">Whose turn.</param>
/// <param name="Turn">The turn.</param>
/// <param name="Provider">The model's provider.</param>
/// <param name="PromptTokens">Input that is not in the cache.</param>
/// <param name="CompletionTokens">Output.</param>
/// <param name="CacheReadTokens">Input read from the cache.</param>
/// <param name="CacheCreationTokens">Input written to the cache.</param>
/// <param name="TotalTokens">All of these.</param>
/// <param name="TotalCost">In US dollars.</param>
/// <param name="Basis"><c>table</c>, <c>reported</c>, <c>assumed</c> or <c>uncounted</c>.</param>
/// <param name="RecordedAt">When it was booked.</param>
/// <param name="Model">The model.</param>
/// <param name="TaskId">The task.</param>
/// <param name="TicketId">The ticket.</param>
/// <param name="PhaseId">The phase, as <c>workflow/PHASE_…</c>.</param>
/// <param name="TaskType">The type of the task.</param>
/// <param name="PromptCost">The cost of the input, cached or not; absent when only the whole is known.</param>
/// <param name="CompletionCost">The cost of the output.</param>
internal sealed record V1Record(
    long Id,
    string AgentId,
    long Turn,
    string Provider,
    long PromptTokens,
    long CompletionTokens,
    long CacheReadTokens,
    long CacheCreationTokens,
    long TotalTokens,
    double TotalCost,
    string Basis,
    DateTimeOffset RecordedAt,
    string? Model = null,
    long? TaskId = null,
    long? TicketId = null,
    string? PhaseId = null,
    string? TaskType = null,
    double? PromptCost = null,
    double? CompletionCost = null
)
{
    public static V1Record Of(Booking row) =>
        new(
            row.Id,
            row.Agent,
            row.Turn,
            row.Provider,
            row.PromptTokens,
            row.CompletionTokens,
            row.CacheReadTokens,
            row.CacheCreationTokens,
            row.AllTokens,
            Money.Usd(row.Micro),
            row.Basis,
            DateTimeOffset.FromUnixTimeMilliseconds(row.At),
            row.Model,
            row.Task,
            row.Ticket,
            row.Phase,
            row.TaskType,
            row.CompletionMicro is { } output ? Money.Usd(row.Micro - output) : null,
            row.CompletionMicro is { } completion ? Money.Usd(completion) : null
        );
}

/// <summary>Lists bookings for <c>/api/v1</c>, the newest first.</summary>
internal static class V1ListRecords
{
    internal sealed record Query(
        [property: Description("global, ticket, agent, phase, task_type or task; global when left out.")]
            string? ScopeType = null,
        [property: Description("What of that scope.")] string? ScopeId = null,
        [property: Description("At most 200.")] int Limit = 100,
        [property: Description("Only records with lower ids, for the next page.")] long? Before = null
    ) : IRequest<IReadOnlyList<V1Record>>;

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            this.MustBeScope(
                CostScope.All,
                q => q.ScopeType ?? BudgetScope.Global,
                q => q.ScopeId,
                ("scope_type", "scope_id")
            );
    }

    internal sealed class Handler(IStore store) : IRequestHandler<Query, IReadOnlyList<V1Record>>
    {
        public Task<IReadOnlyList<V1Record>> Handle(Query request, CancellationToken cancellationToken)
        {
            var scope = request.ScopeType ?? BudgetScope.Global;
            return store.Read<IReadOnlyList<V1Record>>(
                db =>
                    [
                        .. BookingTable
                            .Newest(
                                db,
                                scope,
                                CostRules.Normal(scope, request.ScopeId),
                                request.Before ?? long.MaxValue,
                                Math.Clamp(request.Limit, 1, ListCostRecords.Most)
                            )
                            .Select(V1Record.Of),
                    ],
                cancellationToken
            );
        }
    }
}

/// <summary>Adds up the bookings of a scope for <c>/api/v1</c>.</summary>
internal static class V1ShowSummary
{
    internal sealed record Query(
        [property: Description("global, ticket, agent, phase, task_type or task; global when left out.")]
            string? ScopeType = null,
        [property: Description("What of that scope.")] string? ScopeId = null
    ) : IRequest<Result>;

    /// <param name="ScopeType">The scope.</param>
    /// <param name="TotalCost">In US dollars.</param>
    /// <param name="TotalTokens">Tokens of all kinds.</param>
    /// <param name="RecordCount">How many bookings.</param>
    /// <param name="AssumedCost">The part of the cost that is by an assumed price.</param>
    /// <param name="UncountedCount">How many bookings have no figures.</param>
    /// <param name="Breakdown">The same by model.</param>
    /// <param name="ScopeId">What of that scope.</param>
    internal sealed record Result(
        string ScopeType,
        double TotalCost,
        long TotalTokens,
        long RecordCount,
        double AssumedCost,
        long UncountedCount,
        IReadOnlyList<OfModel> Breakdown,
        string? ScopeId = null
    );

    internal sealed record OfModel(string Provider, double Cost, long Tokens, long Records, string? Model = null);

    internal sealed class Validator : AbstractValidator<Query>
    {
        public Validator() =>
            this.MustBeScope(
                CostScope.All,
                q => q.ScopeType ?? BudgetScope.Global,
                q => q.ScopeId,
                ("scope_type", "scope_id")
            );
    }

    internal sealed class Handler(IMediator mediator) : IRequestHandler<Query, Result>
    {
        public async Task<Result> Handle(Query request, CancellationToken cancellationToken)
        {
            var costs = (
                await mediator.Send(new ShowCosts.Query(request.ScopeType, request.ScopeId), cancellationToken)
            ).Costs;
            return new Result(
                costs.Scope,
                costs.CostUsd,
                costs.Tokens,
                costs.Records,
                costs.AssumedUsd,
                costs.Uncounted,
                [.. costs.Breakdown.Select(m => new OfModel(m.Provider, m.CostUsd, m.Tokens, m.Records, m.Model))],
                costs.ScopeId
            );
        }
    }
}
