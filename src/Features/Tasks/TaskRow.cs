using System.Text.Json;
using Hive.Features.Tasks.Contracts;
using Hive.Protocol;

namespace Hive.Features.Tasks;

/// <summary>A row of <c>tasks</c>, read with <see cref="Columns"/>.</summary>
internal sealed record TaskRow
{
    public const string Columns = ShortColumns + ", description, locks, expected, fields, result";

    /// <summary>Those that a view needs.</summary>
    public const string ShortColumns =
        "id, ticket, phase_id, kind, task_type, title, priority, status, holds, hold_reason, hold_note, "
        + "lock_reason, lock_held_at, capabilities, wants_agent, prefers, excludes, agent, run, deps_total, "
        + "deps_done, deps_dead, quorum, dependents, retry_count, max_retries, faults, not_before, "
        + "timeout_seconds, deadline_at, review, iteration, "
        + "template, parent, discovery, depth, pattern, merge_strategy, ref, progress, progress_percent, "
        + "progress_at, error_message, error_kind, created_by, created_at, ready_at, started_at, completed_at, "
        + "budget_hold, cost_micro";

    /// <summary>The number of a quorum that is a majority, however many there are.</summary>
    public const long Majority = 0;

    public long Id { get; init; }

    public required long Ticket { get; init; }

    public required string PhaseId { get; init; }

    public string Kind { get; init; } = TaskKind.Work;

    public required string TaskType { get; init; }

    public required string Title { get; init; }

    public string Description { get; init; } = "";

    public required long Priority { get; init; }

    public string Status { get; init; } = TaskState.Pending;

    public long Holds { get; init; }

    /// <summary>Why the host has set the hold <c>operator</c>; null when somebody else has.</summary>
    public string? HoldReason { get; init; }

    /// <summary>By whom the hold <c>operator</c> was set, and why, in words; null without a reason, and when the host
    /// has set it.</summary>
    public string? HoldNote { get; init; }

    /// <summary>Which resource it waits for, and who has that, while it has the hold <c>lock</c>.</summary>
    public string? LockReason { get; init; }

    /// <summary>When it was first held for its resources since its last run.</summary>
    public long? LockHeldAt { get; init; }

    public string Capabilities { get; init; } = "[]";

    public string? WantsAgent { get; init; }

    public string? Prefers { get; init; }

    /// <summary>The agents that may not have it, as JSON; null for none.</summary>
    public string? Excludes { get; init; }

    public string? Agent { get; init; }

    public long? Run { get; init; }

    public long DepsTotal { get; init; }

    public long DepsDone { get; init; }

    public long DepsDead { get; init; }

    public long? Quorum { get; init; }

    public long Dependents { get; init; }

    public long RetryCount { get; init; }

    public long MaxRetries { get; init; } = 3;

    public long Faults { get; init; }

    public long? NotBefore { get; init; }

    public required long TimeoutSeconds { get; init; }

    public long? DeadlineAt { get; init; }

    public string? Review { get; init; }

    public long Iteration { get; init; }

    public string? Locks { get; init; }

    public string? Expected { get; init; }

    public string? Template { get; init; }

    public long? Parent { get; init; }

    public long? Discovery { get; init; }

    public long Depth { get; init; }

    public string? Pattern { get; init; }

    public string? MergeStrategy { get; init; }

    /// <summary>The fields of results, as JSON: those that a merge takes, or those that the outputs of a task must
    /// have. Null for any.</summary>
    public string? Fields { get; init; }

    public string? Ref { get; init; }

    public string? Progress { get; init; }

    public long? ProgressPercent { get; init; }

    public long? ProgressAt { get; init; }

    public string? Result { get; init; }

    public string? ErrorMessage { get; init; }

    public string? ErrorKind { get; init; }

    public required string CreatedBy { get; init; }

    public required long CreatedAt { get; init; }

    public long? ReadyAt { get; init; }

    public long? StartedAt { get; init; }

    public long? CompletedAt { get; init; }

    /// <summary>The <see cref="Tasks.BudgetHold"/> as JSON while it has the hold <c>budget</c>.</summary>
    public string? BudgetHold { get; init; }

    /// <summary>The cost of its turns, in millionths of a US dollar; the sum of its bookings.</summary>
    public long CostMicro { get; init; }

    public Hold Held => (Hold)Holds;

    public bool IsOpen => CompletedAt is null;

    public bool IsPending => Status == TaskState.Pending;

    public bool IsReady => IsPending && Holds == 0;

    /// <summary>It has a place in the order: it is ready, or budgets hold it.</summary>
    public bool HasPlace => IsReady || (IsOpen && BudgetHold is not null);

    /// <summary>The host holds it because a person has to look.</summary>
    public bool IsHeldByHost => IsPending && Held.HasFlag(Hold.Operator) && HoldReason is not null;

    /// <summary>An agent has it: it is assigned or running.</summary>
    public bool IsWithAgent => Status is TaskState.Assigned or TaskState.Running;

    public bool IsReview => Kind == TaskKind.Review;

    /// <summary>A barrier or a merge: no agent does it, it follows from the tasks that it waits for.</summary>
    public bool IsJoin => Kind is TaskKind.Barrier or TaskKind.Merge;

    /// <summary>How many of the tasks that it waits for it needs.</summary>
    public long Needed =>
        Quorum switch
        {
            null => DepsTotal,
            Majority => Math.Min(DepsTotal, (DepsTotal / 2) + 1),
            { } number => Math.Min(DepsTotal, number),
        };

    /// <summary>So many of the tasks that it waits for have failed that the others are too few.</summary>
    public bool IsHopeless => DepsDead > DepsTotal - Needed;

    /// <summary>It can neither be done nor fulfil what waits for it, unless somebody acts.</summary>
    public bool IsDead => Status is TaskState.Failed or TaskState.Cancelled;

    /// <summary>The resources that it has while it runs.</summary>
    public IReadOnlyList<string> Wanted => List<string>(Locks);

    public static string Json<T>(T value) => JsonSerializer.Serialize(value, WireJson.Options);

    public static IReadOnlyList<T> List<T>(string? json) =>
        json is null or "[]" ? [] : JsonSerializer.Deserialize<T[]>(json, WireJson.Options)!;

    public TaskResult? ReadResult() =>
        Result is null ? null : JsonSerializer.Deserialize<TaskResult>(Result, WireJson.Options);

    public TaskEntry ToEntry() =>
        new(
            Id,
            Ticket,
            PhaseId,
            Kind,
            TaskType,
            Title,
            Description,
            (int)Priority,
            Status,
            Agent,
            Run,
            (int)Iteration,
            List<string>(Capabilities),
            List<ExpectedOutput>(Expected),
            ReadResult(),
            ErrorMessage,
            CompletedAt,
            Parent,
            WantsAgent,
            Discovery
        );

    /// <summary>A quorum as it is on the wire.</summary>
    public static string? QuorumWord(long? quorum) =>
        quorum switch
        {
            null => null,
            Majority => "majority",
            1 => "first",
            _ => quorum.Value.ToString(System.Globalization.CultureInfo.InvariantCulture),
        };
}
