using Hive.Protocol.Options;

namespace Hive.Features.Tasks;

/// <summary>
/// The place of a ready task in the queue: <c>.45 P + .20 A + .15 D + .15 B + .05 R</c>, 1.25 times as much within 900
/// s before the deadline, and at least 0.6 once it has waited for 7,200 s. P is its priority, A its age, D the nearness
/// of its deadline, B the tasks that wait for it, R the tries that are left. Source of the formula and of all its
/// numbers: OmoiOS's later queue rules; those of <see cref="TasksOptions"/> can be changed. Its age counts from when it
/// became ready, not from when it was made; otherwise a long chain of tasks would count as neglected from the start.
/// </summary>
/// <remarks>
/// Scores are whole numbers, so that equal scores are equal whichever way they were computed. Between two moments, each
/// known beforehand, a score rises by a constant number of units per millisecond: its pace.
/// </remarks>
internal sealed class TaskScore
{
    /// <summary>How many waiting tasks count.</summary>
    public const int MostDependents = 10;

    // An urgent task's score is multiplied by hundredths, so that every other score is a multiple of this.
    private const long Hundred = 100;

    private readonly long age;
    private readonly long urgent;
    private readonly long starved;
    private readonly Int128 floor;
    private readonly Int128 agePerMs;
    private readonly Int128 urgentPerMs;
    private readonly int boost;
    private readonly TasksOptions weights;

    /// <summary>Scores with the weights of the options.</summary>
    public TaskScore(TasksOptions options)
    {
        weights = options;
        (age, urgent) = (options.AgeSeconds * 1000L, options.UrgentSeconds * 1000L);
        starved = options.StarvedSeconds * 1000L;
        (agePerMs, urgentPerMs) = (Part(options.AgeWeight, 1, age), Part(options.DeadlineWeight, 1, urgent));
        (floor, boost) = (Part(options.StarvedFloor, 1, 1), Hundredths(options.UrgentBoost));
    }

    /// <summary>The score 1: so small a unit that paces of long times are exact enough.</summary>
    public static Int128 One => 7_200_000_000_000_000;

    /// <summary>The score at a time.</summary>
    /// <param name="task">A ready task.</param>
    /// <param name="now">In ms since 1970.</param>
    public Int128 Of(QueuedTask task, long now) => At(task, now).ScoreAt(now);

    /// <summary>The piece of the task's score that holds at a time.</summary>
    /// <param name="task">A ready task.</param>
    /// <param name="now">In ms since 1970.</param>
    public ScorePiece At(QueuedTask task, long now)
    {
        var ready = task.ReadyAt!.Value;
        var (score, pace, until) = (Fixed(task), (Int128)0, long.MaxValue);
        void Until(long moment) => until = moment > now ? Math.Min(until, moment) : until;

        // The clock may have been set back since the task became ready.
        var waited = Math.Max(0, now - ready);
        Until(ready);
        Until(ready + age);
        Until(ready + starved);
        score += agePerMs * Math.Min(waited, age);
        var isYoung = now >= ready && waited < age;
        if (isYoung)
            pace += agePerMs;

        var isUrgent = false;
        if (task.DeadlineAt is { } deadline)
        {
            Until(deadline - urgent);
            Until(deadline + 1);
            isUrgent = deadline >= now && deadline - now <= urgent;
            score +=
                deadline < now ? urgentPerMs * urgent
                : isUrgent ? urgentPerMs * (urgent - deadline + now)
                : 0;
        }

        if (isUrgent)
        {
            pace += urgentPerMs;
            (score, pace) = (score / Hundred * boost, pace / Hundred * boost);
        }

        if (waited < starved || score >= floor)
            return new ScorePiece((isYoung ? 1 : 0) + (isUrgent ? 2 : 0), score - (pace * now), pace, until);
        // It stands on the floor until its own score is higher.
        if (pace > 0)
            Until(now + (long)((floor - score + pace - 1) / pace));
        return new ScorePiece(0, floor, 0, until);
    }

    private Int128 Fixed(QueuedTask task)
    {
        var most = Math.Max(task.MaxRetries, 1);
        return Part(weights.PriorityWeight, Math.Clamp(task.Priority, 1, 4), 4)
            + Part(weights.DependentsWeight, Math.Clamp(task.Dependents, 0, MostDependents), MostDependents)
            + Part(weights.RetriesWeight, Math.Clamp(most - task.RetryCount, 0, most), most);
    }

    private static Int128 Part(decimal weight, long of, long all) =>
        One / Hundred * Hundredths(weight) * of / all / Hundred * Hundred;

    private static int Hundredths(decimal number) => (int)(number * Hundred);
}

/// <summary>A stretch of time in which a score rises by one pace.</summary>
/// <param name="Pace">The number of the pace: 1 for young, 2 for urgent, 3 for both, 0 for neither.</param>
/// <param name="Key">The score less what the pace has added since 1970.</param>
/// <param name="PerMs">What the pace adds in a millisecond.</param>
/// <param name="Until">The moment at which another piece begins, in ms since 1970.</param>
internal readonly record struct ScorePiece(int Pace, Int128 Key, Int128 PerMs, long Until)
{
    /// <summary>How many paces there are.</summary>
    public const int Paces = 4;

    /// <summary>The score at a time before <see cref="Until"/>.</summary>
    public Int128 ScoreAt(long now) => Key + (PerMs * now);
}
