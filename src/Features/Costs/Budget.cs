using System.Data.Common;
using System.Globalization;
using Dapper;
using Hive.Features.Costs.Contracts;
using Hive.Protocol;

namespace Hive.Features.Costs;

/// <summary>A row of <c>budgets</c>, read with <see cref="Columns"/>. Immutable: a change replaces it.</summary>
internal sealed record Budget
{
    public const string Columns =
        "id, scope, scope_id, limit_micro, limit_tokens, period, period_start, period_end, spent_micro, spent_tokens, "
        + "reserved_micro, reserved_tokens, held_tasks, held_micro, held_tokens, alert_threshold, level, told, "
        + "on_exceed, created_at, updated_at";

    /// <summary>The stored budgets, by id. Memory may be ahead of what is committed, and of what other answers
    /// show.</summary>
    public static IEnumerable<Budget> Read(DbConnection db) =>
        db.Query<Budget>($"SELECT {Columns} FROM budgets ORDER BY id");

    public long Id { get; init; }

    public required string Scope { get; init; }

    public string ScopeId { get; init; } = "";

    public long? LimitMicro { get; init; }

    public long? LimitTokens { get; init; }

    public required string Period { get; init; }

    public required long PeriodStart { get; init; }

    public long? PeriodEnd { get; init; }

    public long SpentMicro { get; init; }

    public long SpentTokens { get; init; }

    public long ReservedMicro { get; init; }

    public long ReservedTokens { get; init; }

    /// <summary>How many tasks it holds.</summary>
    public long HeldTasks { get; init; }

    /// <summary>The least that one of these needs; 0 when that is not known.</summary>
    public long HeldMicro { get; init; }

    /// <summary>The same in tokens.</summary>
    public long HeldTokens { get; init; }

    public required double AlertThreshold { get; init; }

    public string Level { get; init; } = BudgetLevel.Ok;

    /// <summary>The highest level of which the operator was told in this period.</summary>
    public string Told { get; init; } = BudgetLevel.Ok;

    public required string OnExceed { get; init; }

    public required long CreatedAt { get; init; }

    public required long UpdatedAt { get; init; }

    /// <summary>It keeps tasks back: any but one that only warns.</summary>
    public bool Holds => OnExceed != BudgetWords.Warn;

    public bool IsExceeded => Level == BudgetLevel.Exceeded;

    /// <summary>Its period lies further ahead than one that the clock was set back over: the clock was wrong when it
    /// began.</summary>
    public bool IsFarAhead(long now) => PeriodStart - ((PeriodEnd - PeriodStart) ?? BudgetPeriod.LongestMs) > now;

    /// <summary>It may take an estimate more.</summary>
    public bool Fits(long micro, long tokens) =>
        !IsExceeded
        && (LimitMicro is not { } mostMicro || SpentMicro + ReservedMicro + micro <= mostMicro)
        && (LimitTokens is not { } mostTokens || SpentTokens + ReservedTokens + tokens <= mostTokens);

    /// <summary>It as it is when nothing is reserved.</summary>
    public Budget Unreserved => this with { ReservedMicro = 0, ReservedTokens = 0 };

    /// <summary>The level that follows from what is spent.</summary>
    public string LevelNow() =>
        Reaches(1) ? BudgetLevel.Exceeded
        : Reaches(AlertThreshold) ? BudgetLevel.Warning
        : BudgetLevel.Ok;

    /// <summary>More is left than on another version of it, or less is reserved: a task that waited for that may have
    /// kept others back.</summary>
    public bool HasMoreThan(Budget before) =>
        (before.IsExceeded && !IsExceeded)
        || LeftOf(LimitMicro, SpentMicro + ReservedMicro)
            > LeftOf(before.LimitMicro, before.SpentMicro + before.ReservedMicro)
        || LeftOf(LimitTokens, SpentTokens + ReservedTokens)
            > LeftOf(before.LimitTokens, before.SpentTokens + before.ReservedTokens)
        || ReservedMicro < before.ReservedMicro
        || ReservedTokens < before.ReservedTokens
        || (before.Holds && !Holds);

    /// <summary>The budget in words, such as <c>budget day 20.00 USD</c> or <c>budget of alice once 1000
    /// tokens</c>.</summary>
    public string Words =>
        "budget "
        + (Scope == BudgetScope.Global ? "" : $"of {(Scope == BudgetScope.Agent ? "" : $"{Scope} ")}{ScopeId} ")
        + $"{Period} "
        + string.Join(
            " and ",
            new[]
            {
                LimitMicro is { } micro ? $"{Money.Words(micro)} USD" : null,
                LimitTokens is { } tokens ? string.Create(CultureInfo.InvariantCulture, $"{tokens} tokens") : null,
            }.OfType<string>()
        );

    /// <summary>Why it has too little left, in words.</summary>
    public string Refusal(long micro, long tokens) =>
        $"{Words}: "
        + string.Join(
            "; ",
            new[]
            {
                LimitMicro is null
                    ? null
                    : $"spent {Money.Words(SpentMicro)}, reserved {Money.Words(ReservedMicro)}, this needs about "
                        + $"{Money.Words(micro)} USD",
                LimitTokens is null
                    ? null
                    : string.Create(
                        CultureInfo.InvariantCulture,
                        $"spent {SpentTokens}, reserved {ReservedTokens}, this needs about {tokens} tokens"
                    ),
            }.OfType<string>()
        );

    public BudgetView ToView() =>
        new(
            Id,
            Scope,
            Period,
            DateTimeOffset.FromUnixTimeMilliseconds(PeriodStart),
            Money.Usd(SpentMicro),
            SpentTokens,
            Money.Usd(ReservedMicro),
            ReservedTokens,
            AlertThreshold,
            Level,
            OnExceed,
            DateTimeOffset.FromUnixTimeMilliseconds(CreatedAt),
            DateTimeOffset.FromUnixTimeMilliseconds(UpdatedAt),
            Scope == BudgetScope.Global ? null : ScopeId,
            LimitMicro is { } limit ? Money.Usd(limit) : null,
            LimitTokens,
            PeriodEnd is { } end ? DateTimeOffset.FromUnixTimeMilliseconds(end) : null,
            Held()
        );

    // A task that it has enough for waits for its turn, or for another budget.
    private BudgetHeld? Held() =>
        HeldTasks == 0 || !Holds || Fits(HeldMicro, HeldTokens)
            ? null
            : new BudgetHeld(
                HeldTasks,
                !Unreserved.Fits(HeldMicro, HeldTokens),
                LimitMicro is null ? null : Money.Usd(Math.Max(0, LeftOf(LimitMicro, SpentMicro + ReservedMicro))),
                LimitTokens is null ? null : Math.Max(0, LeftOf(LimitTokens, SpentTokens + ReservedTokens)),
                LimitMicro is null || HeldMicro == 0 ? null : Money.Usd(HeldMicro),
                LimitTokens is null || HeldTokens == 0 ? null : HeldTokens
            );

    private bool Reaches(double share) =>
        (LimitMicro is { } micro && SpentMicro >= micro * share)
        || (LimitTokens is { } tokens && SpentTokens >= tokens * share);

    private static long LeftOf(long? limit, long taken) => limit is { } most ? most - taken : long.MaxValue;
}

/// <summary>The scopes of a budget.</summary>
internal static class BudgetScope
{
    public const string Global = "global";
    public const string Ticket = "ticket";
    public const string Agent = "agent";
    public const string Phase = "phase";
    public const string TaskType = "task_type";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Global, Ticket, Agent, Phase, TaskType];

    /// <summary>The scopes that cover a subject, each with its id.</summary>
    public static IEnumerable<(string Scope, string Id)> Of(BudgetSubject subject)
    {
        yield return (Global, "");
        if (subject.Agent is { } agent)
            yield return (Agent, agent);
        if (subject.Ticket is { } ticket)
            yield return (Ticket, ticket.ToString(CultureInfo.InvariantCulture));
        if (subject.Phase is { } phase)
            yield return (Phase, phase);
        if (subject.TaskType is { } type)
            yield return (TaskType, type);
    }
}

/// <summary>The levels of a budget.</summary>
internal static class BudgetLevel
{
    public const string Ok = "ok";
    public const string Warning = "warning";
    public const string Exceeded = "exceeded";

    /// <summary>The lower one of two.</summary>
    public static string Lower(string one, string other) => IsHigher(one, other) ? one : other;

    /// <summary>True when the second is higher than the first.</summary>
    public static bool IsHigher(string before, string after) => Rank(after) > Rank(before);

    private static int Rank(string level) =>
        level switch
        {
            Exceeded => 2,
            Warning => 1,
            _ => 0,
        };
}

/// <summary>The acts of a budget whose limit is reached.</summary>
internal static class BudgetWords
{
    public const string Hold = "hold";
    public const string Cancel = "cancel";
    public const string Warn = "warn";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Hold, Cancel, Warn];
}

/// <summary>The periods of a budget, which begin at midnight UTC.</summary>
internal static class BudgetPeriod
{
    public const string Once = "once";
    public const string Day = "day";
    public const string Week = "week";
    public const string Month = "month";

    /// <summary>The length of the longest period.</summary>
    public const long LongestMs = 31L * 86_400_000;

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All = [Once, Day, Week, Month];

    /// <summary>The period that contains a moment, in ms since 1970; that of <c>once</c> begins there and never
    /// ends.</summary>
    public static (long Start, long? End) At(string period, long now)
    {
        var day = DateTimeOffset.FromUnixTimeMilliseconds(now).UtcDateTime.Date;
        var (start, end) = period switch
        {
            Day => (day, day.AddDays(1)),
            // A week begins on Monday, as ISO 8601 has it.
            Week when day.AddDays(-(((int)day.DayOfWeek + 6) % 7)) is var monday => (monday, monday.AddDays(7)),
            Month when day.AddDays(1 - day.Day) is var first => (first, first.AddMonths(1)),
            _ => default,
        };
        return end == default ? (now, null) : (Ms(start), Ms(end));
    }

    private static long Ms(DateTime utc) => new DateTimeOffset(utc, TimeSpan.Zero).ToUnixTimeMilliseconds();
}
