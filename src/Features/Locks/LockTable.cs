using System.Collections.Immutable;
using Hive.Common;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents.Contracts;
using Hive.Features.Locks.Contracts;
using Hive.Features.Messages.Contracts;
using Hive.Protocol;

namespace Hive.Features.Locks;

/// <summary>
/// Grants and releases locks. The rows are the truth; locks, queues and held tasks are kept in memory too, on the
/// writer's thread, so that a decision needs no query. Expired locks are free at once, by the monotonic clock.
/// </summary>
internal sealed class LockTable(
    Deadlines<LockDeadline> deadlines,
    Lazy<ILockTasks> tasks,
    IOutbox outbox,
    TimeProvider clock
) : ILocks
{
    /// <summary>The most locks and requests of one task.</summary>
    public const int MostOfTask = 100;

    /// <summary>How long a task is held before it reserves what it declares.</summary>
    public static readonly TimeSpan HeldBeforeReserving = TimeSpan.FromMinutes(10);

    /// <summary>How long a reservation keeps others out once the task could begin, and nobody takes it.</summary>
    public static readonly TimeSpan ReservedWhenFree = TimeSpan.FromMinutes(1);

    /// <summary>How long the task that goes first may stay untaken before others that want its resources are freed
    /// too: perhaps nobody can do it.</summary>
    public static readonly TimeSpan FreeAlone = TimeSpan.FromSeconds(1);

    // So that it takes twice as many with each such time.
    private const int FreedBeside = 2;

    // Of a resource, while nobody takes them: each but one is held again once somebody does.
    private const int MostFreed = 16;

    private const int DueAtOnce = 100;

    // A timer is as exact as this, and so is a deadline.
    private static readonly TimeSpan Precision = TimeSpan.FromMilliseconds(1);

    private readonly Dictionary<long, LockWaiter> waiters = [];
    private LockState state = LockState.Empty;

    /// <summary>Asks for a lock.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="request">The request.</param>
    /// <param name="waiter">The call, when it waits; answered when <see cref="LockAnswer.Waiting"/> is set.</param>
    /// <exception cref="Problem">Code <c>conflict</c>: the task has too many, or to wait would close a
    /// cycle.</exception>
    public LockAnswer Acquire(IWrite write, LockRequest request, LockWaiter? waiter = null)
    {
        FreeDue(write);
        var at = state.At(request.Resource);
        var isExclusive = request.Mode == LockModes.Exclusive;
        var held = at.HeldBy(request.Task);
        if (held is not null && (held.IsExclusive || !isExclusive))
            return Granted(Again(write, held, request), held, request.Notify);
        var waiting = at.WaitOf(request.Task);
        var waits = waiter is not null || request.Notify;
        if (waiting is not null && waiting.Mode != request.Mode && waits)
        {
            Withdraw(write, waiting, "asked for in another mode");
            at = state.At(request.Resource);
            waiting = null;
        }

        if (waiting is null)
        {
            if (held is null)
                MustFit(request);
            // An upgrade goes first: those behind it wait for its task already.
            var place = held is null ? at.Queue.Length : 0;
            if (!at.Before(request.Task, isExclusive, place).Any())
                return Granted(
                    held is null ? Grant(write, request) : Upgrade(write, held, request),
                    held,
                    request.Notify
                );
            if (!waits)
                return NotGranted(at.Before(request.Task, isExclusive, place));
            waiting = LockRows.Insert(write, Row(request));
            Set(write, state.WithWaiting(waiting, place));
            LockCycles.Refuse(state, request.Task, request.Resource);
            write.Raise(new LockChanged(waiting.ToView()));
        }
        else if (waits)
        {
            var asked = waiting with { TtlSeconds = request.TtlSeconds, Notify = request.Notify ? 1 : waiting.Notify };
            Change(write, waiting, asked);
            waiting = asked;
        }

        if (waiter is not null)
            Listen(write, waiting, waiter);
        at = state.At(request.Resource);
        return NotGranted(at.Before(waiting)) with
        {
            Position = at.Queue.IndexOf(waiting) + 1,
            Waiting = waiter is null ? 0 : waiting.Id,
        };
    }

    /// <summary>Ends the wait of a call: its request keeps its place when the agent is to be told, and is withdrawn
    /// otherwise. A call that was answered is left alone.</summary>
    public void EndWait(IWrite write, long id, LockWaiter waiter)
    {
        FreeDue(write);
        if (waiters.GetValueOrDefault(id) != waiter || state.Find(id) is not { } waiting)
            return;
        Unlisten(write, id);
        var at = state.At(waiting.Resource);
        var answer = NotGranted(at.Before(waiting));
        if (waiting.Notify == 0)
            Withdraw(write, waiting, "the call ended");
        else
            answer = answer with { Position = at.Queue.IndexOf(waiting) + 1 };
        write.AfterCommit(() => waiter.Answer(answer));
    }

    /// <summary>A grant did not reach its agent: it is told by message when it asked for that, and the task has the
    /// lock as before the call otherwise.</summary>
    public void Undo(IWrite write, LockGrant grant)
    {
        FreeDue(write);
        if (state.Find(grant.Id) is not { AcquiredAt: not null } held)
            return;
        if (grant.Notify)
            Tell(write, held);
        else if (grant.Before is { } before && held.Count == before.Count + 1)
        {
            var restored = held with { Mode = before.Mode, Count = before.Count };
            Change(write, held, restored with { Until = before.Until, ExpiresAt = before.ExpiresAt });
            GrantNext(write, held.Resource);
        }
        else
            ReleaseOnce(write, held);
    }

    /// <summary>Releases a task's lock on a resource once, or withdraws its request.</summary>
    /// <exception cref="Problem">Code <c>conflict</c>: the task neither has it nor waits for it.</exception>
    public LockView Release(IWrite write, long task, string resource)
    {
        FreeDue(write);
        var at = state.At(resource);
        if (at.WaitOf(task) is { } waiting)
            return Withdraw(write, waiting, "withdrawn");
        if (at.HeldBy(task) is { } held)
            return ReleaseOnce(write, held);
        var others = at.Holders.Select(row => $"task {row.Task} ({row.Agent})").ToArray();
        throw Problem.Conflict(
            $"task {task} does not hold {resource}; "
                + (others.Length == 0 ? "nobody does" : $"{string.Join(", ", others)} does")
        );
    }

    /// <summary>Releases a lock whoever holds it, however often it was acquired.</summary>
    /// <exception cref="Problem">It is not held.</exception>
    public LockView Free(IWrite write, long id, string reason)
    {
        FreeDue(write);
        return state.Find(id) switch
        {
            { AcquiredAt: not null } held => End(write, held, reason),
            { } waiting => throw Problem.Conflict(
                $"lock {id} is a request of task {waiting.Task} that waits; cancel the task to end it"
            ),
            null => LockRows.Find(write.Db, id) is { } ended
                ? throw Problem.Conflict($"lock {id} ended at {ended.ToView().ReleasedAt:u} ({ended.ReleaseReason})")
                : throw Problem.NotFound($"lock {id} not found"),
        };
    }

    /// <inheritdoc />
    public string? TryTakeAll(IWrite write, long task, string agent, IReadOnlyList<string> wanted)
    {
        if (Hold(write, task, wanted, TimeSpan.Zero) is { } reason)
            return reason;
        Forget(write, task);
        foreach (var resource in wanted.Distinct(StringComparer.Ordinal))
            Grant(write, new LockRequest(task, agent, resource, LockModes.Exclusive, 0, Notify: false));
        return null;
    }

    /// <inheritdoc />
    public string? Restore(IWrite write, long task, IReadOnlyList<string> wanted, long heldAt)
    {
        var before = TimeSpan.FromMilliseconds(Math.Max(0, Now - heldAt));
        if (Hold(write, task, wanted, before) is { } reason)
            return reason;
        SetFree(write, task, new HeldTask([.. wanted.Distinct(StringComparer.Ordinal)], After(-before), null));
        return null;
    }

    /// <inheritdoc />
    public string? ReasonOf(long task)
    {
        // One state for all of it: a write may replace it at any moment.
        var now = state;
        return now.Held.GetValueOrDefault(task) is not { } held ? null
            : FirstBefore(now, task, held.Wanted) is { } first ? Reason(first)
            : $"waits for {string.Join(", ", held.Wanted)}, which another task gets first";
    }

    /// <inheritdoc />
    public void ReleaseAll(IWrite write, long task, string reason)
    {
        var resources = state.Of(task).Union(Forget(write, task));
        if (resources.IsEmpty)
            return;
        foreach (var resource in resources)
        {
            if (state.At(resource).WaitOf(task) is { } waiting)
                Withdraw(write, waiting, reason, grantsNext: false);
            if (state.At(resource).HeldBy(task) is { } held)
                End(write, held, reason, grantsNext: false);
        }

        foreach (var resource in resources)
            GrantNext(write, resource);
    }

    /// <inheritdoc />
    public void ReleaseExcept(IWrite write, IReadOnlySet<long> keep, string reason)
    {
        foreach (var task in state.OfTask.Keys.Where(task => !keep.Contains(task)).ToArray())
            ReleaseAll(write, task, reason);
    }

    /// <inheritdoc />
    public void Reassign(IWrite write, long task, string agent)
    {
        foreach (var resource in state.Of(task))
        {
            if (state.At(resource).WaitOf(task) is { } waiting)
                Withdraw(write, waiting, "handed off");
            if (state.At(resource).HeldBy(task) is { } held)
                Change(write, held, held with { Agent = agent });
        }
    }

    /// <summary>Frees what has expired, and lets tasks that have been held for long reserve their resources.</summary>
    public void FreeDue(IWrite write)
    {
        List<string> freed = [];
        while (deadlines.TakeDue(DueAtOnce) is { Length: > 0 } due)
        {
            foreach (var deadline in due)
            {
                write.OnRollback(() => LookAgain(deadline));
                freed.AddRange(Due(write, deadline));
            }
        }

        // Once all that is due has ended: what expires at the same moment keeps nobody out, and is not upgraded.
        foreach (var resource in freed.Distinct(StringComparer.Ordinal))
            GrantNext(write, resource);
    }

    /// <summary>Takes the stored locks into memory, at start, and grants what has become free. Calls ended with the
    /// host; a request that its agent is told of waits on.</summary>
    public void Load(IWrite write)
    {
        state = LockState.Empty;
        List<LockRow> expired = [];
        foreach (var row in LockRows.Open(write.Db))
        {
            var place = state.At(row.Resource).HeldBy(row.Task) is null ? state.At(row.Resource).Queue.Length : 0;
            if (row.AcquiredAt is null && row.Notify == 0)
                Ended(write, row, "the host stopped");
            else if (row.AcquiredAt is null)
                state = state.WithWaiting(row, place);
            else if (row.ExpiresAt is { } at)
            {
                var held = row with { Until = After(TimeSpan.FromMilliseconds(LeftAtStart(row, at))) };
                state = state.WithHolder(held);
                deadlines.Add(new LockDeadline(LockDeadline.Expiry, row.Id), Left(held.Until.Value));
                if (at <= Now)
                    expired.Add(held);
            }
            else
                state = state.WithHolder(row);
        }

        // Nothing is granted before all of them have ended: an expired lock is not upgraded.
        foreach (var row in expired)
            End(write, row, "expired", grantsNext: false);
        foreach (var resource in state.Resources.Keys.ToArray())
            GrantNext(write, resource);
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    // The shorter of both, in case the wall clock was set back while no host ran.
    private long LeftAtStart(LockRow row, long expiresAt) =>
        Math.Min(expiresAt - Now, expiresAt - row.AcquiredAt!.Value);

    // Returns the resources that may be free now.
    private ImmutableArray<string> Due(IWrite write, LockDeadline deadline)
    {
        if (MomentOf(deadline) is not { } moment)
            return [];
        // A write that failed may have left a deadline that comes too early.
        if (Left(moment) is var left && left >= Precision)
        {
            deadlines.Add(deadline, left);
            return [];
        }

        switch (deadline.Kind)
        {
            case LockDeadline.Expiry:
                var expired = state.Find(deadline.Id)!;
                End(write, expired, "expired", grantsNext: false);
                return [expired.Resource];
            case LockDeadline.Reserve:
                Reserve(write, deadline.Id, state.Held[deadline.Id]);
                return [];
            case LockDeadline.Overtake:
                var untaken = state.Held[deadline.Id];
                Set(write, state.WithHeld(deadline.Id, untaken with { IsOvertaken = true }));
                foreach (var resource in untaken.Wanted)
                {
                    var free = state.Held.Values.Count(h => h.FreeSince is not null && h.Wanted.Contains(resource));
                    if (free < MostFreed)
                        FreeHeld(write, resource, FreedBeside);
                }

                return [];
            default:
                var held = state.Held[deadline.Id];
                // Nobody takes the task: those behind it go on, and its time begins again when it is next held.
                Forget(write, deadline.Id);
                tasks.Value.Lapsed(write, deadline.Id);
                return held.Wanted;
        }
    }

    // When something is due, by the monotonic clock; null when it is not to come any more.
    private long? MomentOf(LockDeadline deadline) =>
        deadline.Kind == LockDeadline.Expiry
            ? state.Find(deadline.Id)?.Until
            : (deadline.Kind, state.Held.GetValueOrDefault(deadline.Id)) switch
            {
                (LockDeadline.Reserve, { IsReserved: false, FreeSince: null } held) => held.Since
                    + Ticks(HeldBeforeReserving),
                (LockDeadline.Lapse, { FreeSince: { } since }) => since + Ticks(ReservedWhenFree),
                (LockDeadline.Overtake, { FreeSince: { } since, IsOvertaken: false }) => since + Ticks(FreeAlone),
                _ => null,
            };

    // Null when the task can have all that it declares; the reason why not otherwise, and the task is remembered.
    private string? Hold(IWrite write, long task, IReadOnlyList<string> wanted, TimeSpan before)
    {
        FreeDue(write);
        ImmutableArray<string> resources = [.. wanted.Distinct(StringComparer.Ordinal)];
        if (FirstBefore(state, task, resources) is not { } first)
            return null;
        var known = state.Held.GetValueOrDefault(task);
        Set(
            write,
            state.WithHeld(
                task,
                new HeldTask(resources, known?.Since ?? After(-before), null, known?.IsReserved ?? false)
            )
        );
        ArmHeld(write, task);
        // It was to have its resources, and lacks another one now: the next may have these.
        if (known?.FreeSince is not null)
        {
            foreach (var resource in known.Wanted)
                FreeHeld(write, resource, 1);
        }

        return Reason(first);
    }

    // All that a held task declares is free, and it goes before others.
    private void SetFree(IWrite write, long task, HeldTask held)
    {
        Set(write, state.WithHeld(task, held with { FreeSince = clock.GetTimestamp() }));
        ArmHeld(write, task);
    }

    private void ArmHeld(IWrite write, long task)
    {
        Arm(write, new LockDeadline(LockDeadline.Reserve, task));
        Arm(write, new LockDeadline(LockDeadline.Lapse, task));
        Arm(write, new LockDeadline(LockDeadline.Overtake, task));
    }

    // The first that keeps a held task from its resources. One that has reserved them waits only for those before its
    // place.
    private static LockRow? FirstBefore(LockState now, long task, ImmutableArray<string> wanted) =>
        wanted
            .Select(now.At)
            .SelectMany(at =>
                at.WaitOf(task) is { } reserved
                    ? at.Before(reserved)
                    : at.Before(task, isExclusive: true, at.Queue.Length)
            )
            .FirstOrDefault();

    // The places are the last ones, and the task holds nothing: nobody waits for it yet, so that no cycle can close.
    private void Reserve(IWrite write, long task, HeldTask held)
    {
        var next = state.WithHeld(task, held with { IsReserved = true });
        foreach (var resource in held.Wanted)
        {
            var (type, id) = ResourceName.Parts(resource);
            next = next.WithWaiting(
                new LockRow
                {
                    ResourceType = type,
                    ResourceId = id,
                    Mode = LockModes.Exclusive,
                    Task = task,
                    Agent = "",
                    AskedAt = Now,
                },
                next.At(resource).Queue.Length
            );
        }

        Set(write, next);
    }

    // Returns what the task had reserved or was to have, which may be free for others then.
    private ImmutableHashSet<string> Forget(IWrite write, long task)
    {
        if (state.Held.GetValueOrDefault(task) is not { } held)
            return [];
        Set(write, WithoutReservations(task, held).WithHeld(task, null));
        ArmHeld(write, task);
        return held.IsReserved || held.FreeSince is not null ? [.. held.Wanted] : [];
    }

    private LockState WithoutReservations(long task, HeldTask held)
    {
        var next = state;
        foreach (var resource in held.IsReserved ? held.Wanted : [])
        {
            if (next.At(resource).WaitOf(task) is { IsReservation: true } reserved)
                next = next.Without(reserved);
        }

        return next;
    }

    // Grants what can be granted on a resource, in order, and frees the first of the tasks that are held for it.
    private void GrantNext(IWrite write, string resource)
    {
        while (
            state.At(resource) is var at
            && at.Queue.FirstOrDefault(row => !row.IsReservation && !at.Before(row).Any()) is { } next
        )
            GrantWaiting(write, next);
        FreeHeld(write, resource, 1);
    }

    // Not all of them: one takes the resource, and the others would be held again.
    private void FreeHeld(IWrite write, string resource, int most)
    {
        var waiting = state.At(resource).Wanted.Where(task => state.Held[task].FreeSince is null).ToArray();
        if (waiting.Length == 0 || state.At(resource).Holders.Length > 0)
            return;
        foreach (var task in tasks.Value.InOrder(write, waiting))
        {
            if (state.Held.GetValueOrDefault(task) is not { FreeSince: null } held)
                continue;
            if (FirstBefore(state, task, held.Wanted) is not null)
                continue;
            SetFree(write, task, held);
            tasks.Value.Freed(write, task);
            if (--most == 0)
                return;
        }
    }

    private LockRow Grant(IWrite write, LockRequest request)
    {
        var row = LockRows.Insert(write, Begun(Row(request)));
        Set(write, state.WithHolder(row));
        Arm(write, new LockDeadline(LockDeadline.Expiry, row.Id));
        write.Raise(new LockChanged(row.ToView()));
        return row;
    }

    private LockRow Upgrade(IWrite write, LockRow held, LockRequest request)
    {
        var upgraded = Again(write, held, request, LockModes.Exclusive);
        // A held task's reservation waits for it from now on.
        LockCycles.Refuse(state, request.Task, request.Resource);
        return upgraded;
    }

    // The same task again: counted, with the later expiry.
    private LockRow Again(IWrite write, LockRow held, LockRequest request, string? mode = null)
    {
        var again = held with { Count = held.Count + 1, Mode = mode ?? held.Mode };
        var left = TimeSpan.FromSeconds(request.TtlSeconds);
        if (held.Until is { } until && until < After(left))
            again = again with { Until = After(left), ExpiresAt = Now + (long)left.TotalMilliseconds };
        Change(write, held, again);
        return again;
    }

    // A request in the queue has its turn.
    private void GrantWaiting(IWrite write, LockRow waiting)
    {
        var granted = Begun(waiting);
        var before = state.At(waiting.Resource).HeldBy(waiting.Task);
        if (before is { } shared)
        {
            granted = granted with { Count = shared.Count + 1 };
            if (shared.Until is null || shared.Until > granted.Until)
                granted = granted with { Until = shared.Until, ExpiresAt = shared.ExpiresAt };
            End(write, shared, "upgraded", grantsNext: false);
        }

        LockRows.Update(write, granted);
        Set(write, state.Without(waiting).WithHolder(granted));
        Arm(write, new LockDeadline(LockDeadline.Expiry, granted.Id));
        write.Raise(new LockChanged(granted.ToView()));
        if (waiters.TryGetValue(granted.Id, out var waiter))
        {
            Unlisten(write, granted.Id);
            write.AfterCommit(() => waiter.Answer(Granted(granted, before, granted.Notify != 0)));
        }
        else
            Tell(write, granted);
    }

    private void Tell(IWrite write, LockRow granted) =>
        outbox.Append(
            write,
            Principals.System,
            granted.Agent,
            LockMessages.Granted(granted),
            stored: message => tasks.Value.Told(write, granted.Task, message)
        );

    private LockView ReleaseOnce(IWrite write, LockRow held)
    {
        if (held.Count <= 1)
            return End(write, held, "released");
        var left = held with { Count = held.Count - 1 };
        Change(write, held, left);
        return left.ToView();
    }

    private LockView End(IWrite write, LockRow held, string reason, bool grantsNext = true)
    {
        var ended = Ended(write, held, reason);
        Set(write, state.Without(held));
        Arm(write, new LockDeadline(LockDeadline.Expiry, held.Id));
        if (grantsNext)
            GrantNext(write, held.Resource);
        return ended;
    }

    private LockView Withdraw(IWrite write, LockRow waiting, string reason, bool grantsNext = true)
    {
        if (waiting.IsReservation)
            return waiting.ToView();
        if (waiters.TryGetValue(waiting.Id, out var waiter))
        {
            Unlisten(write, waiting.Id);
            var refusal = Problem.Conflict($"the wait for {waiting.Resource} has ended: {reason}");
            write.AfterCommit(() => waiter.Refuse(refusal));
        }

        var ended = Ended(write, waiting, reason);
        Set(write, state.Without(waiting));
        if (grantsNext)
            GrantNext(write, waiting.Resource);
        return ended;
    }

    private LockView Ended(IWrite write, LockRow row, string reason)
    {
        var ended = row with { ReleasedAt = Now, ReleaseReason = reason };
        LockRows.End(write, ended);
        var view = ended.ToView();
        write.Raise(new LockChanged(view));
        return view;
    }

    private void Change(IWrite write, LockRow before, LockRow after)
    {
        LockRows.Update(write, after);
        Set(write, state.With(before, after));
        if (before.Until != after.Until)
            Arm(write, new LockDeadline(LockDeadline.Expiry, after.Id));
        write.Raise(new LockChanged(after.ToView()));
    }

    private void Listen(IWrite write, LockRow waiting, LockWaiter waiter)
    {
        if (waiters.TryGetValue(waiting.Id, out var earlier))
        {
            Unlisten(write, waiting.Id);
            var answer = NotGranted(state.At(waiting.Resource).Before(waiting));
            write.AfterCommit(() => earlier.Answer(answer));
        }

        waiters[waiting.Id] = waiter;
        write.OnRollback(() => waiters.Remove(waiting.Id));
    }

    private void Unlisten(IWrite write, long id)
    {
        if (waiters.Remove(id, out var waiter))
            write.OnRollback(() => waiters[id] = waiter);
    }

    private void MustFit(LockRequest request)
    {
        if (state.Of(request.Task).Count >= MostOfTask)
            throw Problem.Conflict(
                $"task {request.Task} holds or waits for {MostOfTask} resources, which is the limit; release one first"
            );
    }

    private LockRow Row(LockRequest request)
    {
        var (type, id) = ResourceName.Parts(request.Resource);
        return new LockRow
        {
            ResourceType = type,
            ResourceId = id,
            Mode = request.Mode,
            Task = request.Task,
            Agent = request.Agent,
            TtlSeconds = request.TtlSeconds == 0 ? null : request.TtlSeconds,
            Notify = request.Notify ? 1 : 0,
            AskedAt = Now,
        };
    }

    // Its time counts from now.
    private LockRow Begun(LockRow row) =>
        row with
        {
            Count = 1,
            AcquiredAt = Now,
            ExpiresAt = row.TtlSeconds is { } ttl ? Now + (ttl * 1000) : null,
            Until = row.TtlSeconds is { } seconds ? After(TimeSpan.FromSeconds(seconds)) : null,
        };

    private static LockAnswer Granted(LockRow row, LockRow? before, bool notify) =>
        new(true, row.ToView()) { Grant = new LockGrant(row.Id, before, notify) };

    private static LockAnswer NotGranted(IEnumerable<LockRow> before)
    {
        var all = before.ToArray();
        return new LockAnswer(
            false,
            Holders: [.. all.Where(row => row.AcquiredAt is not null).Select(row => row.ToView())],
            Reason: all.Length > 0 ? Reason(all[0]) : null
        );
    }

    private static string Reason(LockRow first) =>
        $"waits for {first.Resource}, which "
        + (
            first.AcquiredAt is not null ? $"task {first.Task} ({first.Agent}) holds"
            : first.IsReservation
                ? $"is reserved for task {first.Task}, held for over {HeldBeforeReserving.TotalMinutes:0} minutes"
            : $"task {first.Task} ({first.Agent}) waits for before it"
        );

    private void Set(IWrite write, LockState next)
    {
        var before = state;
        state = next;
        write.OnRollback(() => state = before);
    }

    // Sets the timer of a deadline to its moment as the memory now has it, or takes it off.
    private void Arm(IWrite write, LockDeadline deadline)
    {
        deadlines.Remove(deadline);
        if (MomentOf(deadline) is { } moment)
            deadlines.Add(deadline, Left(moment));
        write.OnRollback(() => LookAgain(deadline));
    }

    private void LookAgain(LockDeadline deadline)
    {
        deadlines.Remove(deadline);
        deadlines.Add(deadline, TimeSpan.Zero);
    }

    private TimeSpan Left(long timestamp) => clock.GetElapsedTime(clock.GetTimestamp(), timestamp);

    private long After(TimeSpan time) => clock.GetTimestamp() + Ticks(time);

    private long Ticks(TimeSpan time) => (long)(time.TotalSeconds * clock.TimestampFrequency);
}

/// <summary>A moment at which locks change by themselves.</summary>
/// <param name="Kind">One of the constants.</param>
/// <param name="Id">A lock's id, or a held task's.</param>
internal readonly record struct LockDeadline(int Kind, long Id) : IComparable<LockDeadline>
{
    /// <summary>A lock expires.</summary>
    public const int Expiry = 0;

    /// <summary>A held task reserves what it declares.</summary>
    public const int Reserve = 1;

    /// <summary>A reservation ends that nobody has used.</summary>
    public const int Lapse = 2;

    /// <summary>Others that want the resources of an untaken task are freed too.</summary>
    public const int Overtake = 3;

    public int CompareTo(LockDeadline other) => (Kind, Id).CompareTo((other.Kind, other.Id));
}
