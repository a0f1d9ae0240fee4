namespace Hive.Features.Tasks;

/// <summary>The states of a task.</summary>
internal static class TaskState
{
    public const string Pending = "pending";
    public const string Assigned = "assigned";
    public const string Running = "running";
    public const string Reviewing = "reviewing";
    public const string Completed = "completed";
    public const string Failed = "failed";
    public const string Cancelled = "cancelled";

    /// <summary>All of them.</summary>
    public static readonly IReadOnlyList<string> All =
    [
        Pending,
        Assigned,
        Running,
        Reviewing,
        Completed,
        Failed,
        Cancelled,
    ];
}

/// <summary>The kinds of a task.</summary>
internal static class TaskKind
{
    public const string Work = "work";
    public const string Review = "review";

    /// <summary>Completed by the host when enough of what it waits for is.</summary>
    public const string Barrier = "barrier";

    /// <summary>The same, and its result is merged of theirs.</summary>
    public const string Merge = "merge";
}

/// <summary>Why a task that is not begun is not ready; a set.</summary>
[Flags]
internal enum Hold
{
    None = 0,

    /// <summary>It waits for tasks.</summary>
    Dependency = 1,

    /// <summary>A task that it waits for failed or was cancelled.</summary>
    FailedDependency = 2,

    /// <summary>The pause before it is tried again.</summary>
    Retry = 4,

    /// <summary>Its ticket is blocked, held or not approved.</summary>
    Ticket = 8,

    /// <summary>Its phase lies ahead of its ticket's.</summary>
    Phase = 16,

    /// <summary>A budget is used up.</summary>
    Budget = 32,

    /// <summary>Another task has its resource.</summary>
    Lock = 64,

    /// <summary>A person has to act.</summary>
    Operator = 128,
}

/// <summary>The ends of a run.</summary>
internal static class RunEnd
{
    public const string Completed = "completed";
    public const string HandedOff = "handed_off";
    public const string Failed = "failed";
    public const string Timeout = "timeout";
    public const string NoResult = "no_result";
    public const string Lost = "lost";
    public const string NotStarted = "not_started";
    public const string Cancelled = "cancelled";

    /// <summary>Its result was handed in, and a review of it failed.</summary>
    public const string Rejected = "rejected";
}

/// <summary>The kinds of a task's failure.</summary>
internal static class FailureKind
{
    public const string Retryable = "retryable";
    public const string Permanent = "permanent";
    public const string NeedsInput = "needs_input";

    /// <summary>Its runs were used up.</summary>
    public const string Exhausted = "retries_exhausted";

    /// <summary>The last review of its result failed.</summary>
    public const string Rejected = "rejected";

    /// <summary>So many reviews of its result failed that a person has to look.</summary>
    public const string ReviewLoop = "review_loop";

    /// <summary>Too many of the tasks that it waits for failed.</summary>
    public const string Dependency = "dependency";

    /// <summary>Its time was over.</summary>
    public const string Deadline = "deadline";

    /// <summary>The results do not fit into one.</summary>
    public const string TooLarge = "too_large";

    /// <summary>All that an agent can name.</summary>
    public static readonly IReadOnlyList<string> All = [Retryable, Permanent, NeedsInput];

    private static readonly string[] PermanentWords =
    [
        "permission denied",
        "access denied",
        "authentication failed",
        "authorization failed",
        "syntax error",
        "invalid argument",
        "not found",
        "does not exist",
        "already exists",
        "duplicate key",
        "constraint violation",
        "immutable",
        "read-only",
        "quota exceeded",
    ];

    /// <summary>The kind that a reason suggests; a reason without one of the words may pass by itself.</summary>
    public static string Of(string reason) =>
        Array.Exists(PermanentWords, word => reason.Contains(word, StringComparison.OrdinalIgnoreCase))
            ? Permanent
            : Retryable;
}
