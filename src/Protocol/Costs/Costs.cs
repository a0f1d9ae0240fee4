namespace Hive.Protocol;

/// <summary>A limit on what agents may spend.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Scope"><c>global</c>, <c>ticket</c>, <c>agent</c>, <c>phase</c> or <c>task_type</c>.</param>
/// <param name="Period"><c>once</c>, <c>day</c>, <c>week</c> or <c>month</c>; the last three begin at midnight UTC, a
/// week on Monday.</param>
/// <param name="PeriodStart">When its period began; of <c>once</c>, when the budget was made.</param>
/// <param name="SpentUsd">The bookings of its period.</param>
/// <param name="SpentTokens">Their tokens of all kinds.</param>
/// <param name="ReservedUsd">The estimates of the runs that are open.</param>
/// <param name="ReservedTokens">Their tokens.</param>
/// <param name="AlertThreshold">The share of the limit, 0.01 to 1, at which the level becomes <c>warning</c>.</param>
/// <param name="Level"><c>ok</c>, <c>warning</c> or <c>exceeded</c>.</param>
/// <param name="OnExceed"><c>hold</c>: no more tasks are given; <c>cancel</c>: runs are ended too; <c>warn</c>: the
/// operator is told.</param>
/// <param name="CreatedAt">When it was made.</param>
/// <param name="UpdatedAt">When it was last set.</param>
/// <param name="ScopeId">The ticket's id, the agent, <c>workflow/PHASE_…</c> or the task type; absent for
/// <c>global</c>.</param>
/// <param name="LimitUsd">The limit in US dollars.</param>
/// <param name="LimitTokens">The limit in tokens of all kinds.</param>
/// <param name="PeriodEnd">When its period ends; absent for <c>once</c>.</param>
/// <param name="Held">The tasks that it has too little left for; absent without any.</param>
public sealed record BudgetView(
    long Id,
    string Scope,
    string Period,
    DateTimeOffset PeriodStart,
    double SpentUsd,
    long SpentTokens,
    double ReservedUsd,
    long ReservedTokens,
    double AlertThreshold,
    string Level,
    string OnExceed,
    DateTimeOffset CreatedAt,
    DateTimeOffset UpdatedAt,
    string? ScopeId = null,
    double? LimitUsd = null,
    long? LimitTokens = null,
    DateTimeOffset? PeriodEnd = null,
    BudgetHeld? Held = null
);

/// <summary>The tasks that a budget has too little left for.</summary>
/// <param name="Tasks">How many.</param>
/// <param name="Stuck">Too little is left even without reservations: nothing frees them but a higher limit, the end of
/// the budget, or its next period.</param>
/// <param name="LeftUsd">What is neither spent nor reserved, in US dollars; absent without such a limit.</param>
/// <param name="LeftTokens">The same in tokens.</param>
/// <param name="LeastUsd">The least that one of the tasks needs, in US dollars; absent without such a limit, and when
/// that is not known.</param>
/// <param name="LeastTokens">The same in tokens.</param>
public sealed record BudgetHeld(
    long Tasks,
    bool Stuck,
    double? LeftUsd = null,
    long? LeftTokens = null,
    double? LeastUsd = null,
    long? LeastTokens = null
);

/// <summary>The part of a turn's cost that one task, or its agent alone, bears.</summary>
/// <param name="Id">Its id.</param>
/// <param name="Turn">The turn.</param>
/// <param name="Agent">Whose turn.</param>
/// <param name="Provider">The model's provider; <c>unknown</c> when its name does not tell.</param>
/// <param name="PromptTokens">Input that is not in the cache.</param>
/// <param name="CompletionTokens">Output.</param>
/// <param name="CacheReadTokens">Input read from the cache.</param>
/// <param name="CacheCreationTokens">Input written to the cache.</param>
/// <param name="CostUsd">Its cost.</param>
/// <param name="Basis"><c>table</c>: by the price table; <c>reported</c>: by the agent's tool; <c>assumed</c>: 3 and 15
/// US dollars per million tokens, because the model has no price; <c>uncounted</c>: nothing was reported.</param>
/// <param name="At">When it was booked.</param>
/// <param name="Model">As the agent's tool names it.</param>
/// <param name="Ticket">The ticket.</param>
/// <param name="Phase">The phase, as <c>workflow/PHASE_…</c>.</param>
/// <param name="Task">The task.</param>
/// <param name="TaskType">The type of the task.</param>
public sealed record CostRecord(
    long Id,
    long Turn,
    string Agent,
    string Provider,
    long PromptTokens,
    long CompletionTokens,
    long CacheReadTokens,
    long CacheCreationTokens,
    double CostUsd,
    string Basis,
    DateTimeOffset At,
    string? Model = null,
    long? Ticket = null,
    string? Phase = null,
    long? Task = null,
    string? TaskType = null
);

/// <summary>The bookings of a scope, added up.</summary>
/// <param name="Scope"><c>global</c>, <c>ticket</c>, <c>agent</c>, <c>phase</c>, <c>task_type</c> or
/// <c>task</c>.</param>
/// <param name="CostUsd">Their cost.</param>
/// <param name="AssumedUsd">The part of it that is by an assumed price.</param>
/// <param name="Tokens">Their tokens of all kinds.</param>
/// <param name="Records">How many they are.</param>
/// <param name="Uncounted">How many of them have no figures, and so no cost.</param>
/// <param name="Breakdown">The same by model, the dearest first.</param>
/// <param name="ScopeId">What of that scope; absent for <c>global</c>.</param>
public sealed record CostSummary(
    string Scope,
    double CostUsd,
    double AssumedUsd,
    long Tokens,
    long Records,
    long Uncounted,
    IReadOnlyList<ModelCost> Breakdown,
    string? ScopeId = null
);

/// <summary>The bookings of one model, added up.</summary>
/// <param name="Provider">The model's provider.</param>
/// <param name="CostUsd">Their cost.</param>
/// <param name="Tokens">Their tokens of all kinds.</param>
/// <param name="Records">How many they are.</param>
/// <param name="Model">The model; absent when it is not known.</param>
public sealed record ModelCost(string Provider, double CostUsd, long Tokens, long Records, string? Model = null);

/// <summary>An estimate of what tasks will cost.</summary>
/// <param name="TaskCount">How many tasks.</param>
/// <param name="EstimatedCost">Their cost in US dollars, with the buffer.</param>
/// <param name="EstimatedTokens">Their tokens, without the buffer.</param>
/// <param name="AvgTokensPerTask">Tokens of one task.</param>
/// <param name="BufferMultiplier">The factor by which the cost is raised.</param>
/// <param name="Basis"><c>table</c>, or <c>assumed</c> for a model without a price.</param>
public sealed record CostForecast(
    int TaskCount,
    double EstimatedCost,
    long EstimatedTokens,
    long AvgTokensPerTask,
    double BufferMultiplier,
    string Basis
);

/// <summary>An agent's costs on its row.</summary>
/// <param name="TodayUsd">The bookings of its turns since midnight UTC.</param>
public sealed record AgentCosts(double TodayUsd);
