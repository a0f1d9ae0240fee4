using System.Collections.Immutable;
using System.Data.Common;
using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;

namespace Hive.Features.Costs;

/// <summary>
/// Keeps the budgets and reservations in memory beside their rows; no other code writes them. Each operation is part of
/// a write: it changes the amounts, and the levels, holds and freed tasks that follow from them, in that write. Read
/// from any thread.
/// </summary>
internal sealed class Budgets(
    RunEstimates estimates,
    BudgetEffects effects,
    Lazy<IEnumerable<IBudgetedWork>> work,
    TimeProvider clock
) : IBudgets
{
    private readonly BudgetEffects effects = effects;
    private readonly Lazy<IEnumerable<IBudgetedWork>> work = work;
    private volatile State state = State.Empty;

    // No booking is earlier than that: of the rows, or of this run of the host.
    private long lastBooking;

    /// <summary>Called after a change of the next end of a period; from any thread.</summary>
    public event Action? EndsChanged;

    /// <inheritdoc />
    public bool HasAny => !state.All.IsEmpty || !state.Held.IsEmpty;

    /// <summary>All budgets, by id.</summary>
    public IEnumerable<Budget> All => state.All.Values.OrderBy(b => b.Id);

    /// <summary><see cref="Roll"/> has something to do.</summary>
    public bool IsRollDue => NextEnd <= Now || IsFarAhead(Now);

    /// <summary>When the first period ends, in ms since 1970; null without one.</summary>
    public long? NextEnd => state.NextEnd;

    /// <inheritdoc />
    public IReadOnlyList<long> ReservedRuns => [.. state.Reserved.Keys];

    /// <summary>The budget of that id.</summary>
    /// <exception cref="Problem">Code <c>not_found</c>.</exception>
    public Budget Require(long id) =>
        state.All.GetValueOrDefault(id) ?? throw Problem.NotFound($"budget {id} not found");

    /// <summary>The budget of a scope and period, or null.</summary>
    public Budget? Find(string scope, string scopeId, string period) =>
        state.Of(scope, scopeId).FirstOrDefault(b => b.Period == period);

    /// <summary>Loads the stored budgets, at start.</summary>
    public void Load(DbConnection db)
    {
        state = State.Of(
            db.Query<Budget>($"SELECT {Budget.Columns} FROM budgets").ToImmutableDictionary(b => b.Id),
            db.Query<(long Run, long Budget, long Micro, long Tokens)>(
                    "SELECT run, budget, micro, tokens FROM reservations"
                )
                .GroupBy(r => r.Run)
                .ToImmutableDictionary(
                    ofRun => ofRun.Key,
                    ofRun => ofRun.Select(r => new Reserved(r.Budget, r.Micro, r.Tokens)).ToImmutableArray()
                ),
            HeldTasks.None
        );
        lastBooking = db.ExecuteScalar<long?>("SELECT max(at) FROM bookings") ?? 0;
    }

    /// <summary>The time of a booking that is made now: never before the period that it counts in, whatever became of
    /// the clock.</summary>
    public long BookingTime() => Math.Max(Now, state.LatestStart);

    /// <inheritdoc />
    public BudgetQuote Quote(IWrite write, BudgetSubject subject, long? templateMicro)
    {
        Roll(write);
        var (micro, tokens) = estimates.Of(write.Db, subject, templateMicro);
        return Quoted([.. state.Covering(subject).Where(b => b.Holds && !b.Fits(micro, tokens))], micro, tokens);
    }

    /// <inheritdoc />
    public void Hold(IWrite write, IReadOnlyList<(long Task, HeldTask? Hold)> tasks)
    {
        var now = state.Held;
        if (tasks.All(one => one.Hold is null && now.Find(one.Task) is null))
            return;
        var edit = new BudgetEdit(this, write);
        foreach (var (task, hold) in tasks)
            edit.Hold(task, hold);
        edit.Finish();
    }

    /// <inheritdoc />
    public void LoadHolds(IWrite write, IEnumerable<(long Task, HeldTask Hold)> tasks)
    {
        var edit = new BudgetEdit(this, write);
        edit.ReplaceHolds(tasks.Aggregate(HeldTasks.None, (all, one) => all.With(one.Task, one.Hold)));
        edit.Finish();
    }

    /// <inheritdoc />
    public void Reserve(IWrite write, long run, BudgetSubject subject, BudgetQuote quote)
    {
        var covering = state.Covering(subject).ToArray();
        if (covering.Length == 0)
            return;
        var edit = new BudgetEdit(this, write);
        foreach (var budget in covering)
        {
            write.Db.Execute(
                "INSERT INTO reservations (run, budget, micro, tokens) VALUES (@run, @Id, @Micro, @Tokens)",
                new
                {
                    run,
                    budget.Id,
                    quote.Micro,
                    quote.Tokens,
                }
            );
            edit.Add(budget.Id, reservedMicro: quote.Micro, reservedTokens: quote.Tokens);
        }

        edit.Reserve(run, [.. covering.Select(b => new Reserved(b.Id, quote.Micro, quote.Tokens))]);
        edit.Finish();
    }

    /// <inheritdoc />
    public void Release(IWrite write, long run)
    {
        if (!state.Reserved.ContainsKey(run))
            return;
        var edit = new BudgetEdit(this, write);
        edit.Release(run);
        edit.Finish();
    }

    /// <inheritdoc />
    public long? LeftMicro(BudgetSubject subject, long run)
    {
        var now = state;
        var own = now.Reserved.GetValueOrDefault(run, []).ToDictionary(r => r.Budget, r => r.Micro);
        return now.Covering(subject)
            .Where(b => b is { Holds: true, LimitMicro: not null })
            .Select(b => (long?)(b.LimitMicro!.Value - b.SpentMicro - b.ReservedMicro + own.GetValueOrDefault(b.Id)))
            .Min();
    }

    /// <inheritdoc />
    public IBudgetRoom Room() => new Sketch(state);

    /// <summary>Counts bookings that were added, removed or changed, and settles the reservations of their runs. The
    /// caller calls <see cref="Roll"/> before it changes the rows.</summary>
    /// <param name="write">The caller's write.</param>
    /// <param name="changed">The changes.</param>
    /// <param name="settled">The runs whose turn has ended: whether each goes on, and what it was booked.</param>
    public void Book(
        IWrite write,
        IReadOnlyList<BookingChange> changed,
        IReadOnlyList<(long Run, bool GoesOn, long Micro, long Tokens)> settled
    )
    {
        var before = lastBooking;
        var latest = changed.Select(c => c.At).DefaultIfEmpty().Max();
        // The clock may have been far ahead for a while.
        lastBooking = lastBooking > BookingTime() ? latest : Math.Max(lastBooking, latest);
        write.OnRollback(() => lastBooking = before);
        if (state.All.IsEmpty)
            return;
        var edit = new BudgetEdit(this, write);
        foreach (var one in changed)
        {
            foreach (
                var budget in state
                    .Covering(one.Subject)
                    .Where(b => b.PeriodStart <= one.At && !(b.PeriodEnd <= one.At))
            )
                edit.Add(budget.Id, one.Micro, one.Tokens);
        }

        foreach (var (run, goesOn, micro, tokens) in settled.Where(s => state.Reserved.ContainsKey(s.Run)))
        {
            if (goesOn)
                edit.Reduce(run, micro, tokens);
            else
                edit.Release(run);
        }

        edit.Finish();
    }

    /// <summary>Makes a budget, or replaces the limits of the one with the same scope and period.</summary>
    public Budget Set(IWrite write, Budget wanted)
    {
        Roll(write);
        var known = Find(wanted.Scope, wanted.ScopeId, wanted.Period);
        var edit = new BudgetEdit(this, write);
        if (known is not null)
        {
            edit.Change(
                known.Id,
                b =>
                    b with
                    {
                        LimitMicro = wanted.LimitMicro,
                        LimitTokens = wanted.LimitTokens,
                        AlertThreshold = wanted.AlertThreshold,
                        OnExceed = wanted.OnExceed,
                        UpdatedAt = Now,
                    }
            );
            // With another limit, reaching it is a crossing of its own.
            edit.ForgetTold(known.Id);
            edit.Finish();
            return state.All[known.Id];
        }

        var (start, end) = BudgetPeriod.At(wanted.Period, BookingTime());
        // One that begins now counts nothing that was booked before.
        if (end is null && lastBooking <= BookingTime())
            start = Math.Max(start, lastBooking + 1);
        var made = wanted with { PeriodStart = start, PeriodEnd = end, CreatedAt = Now, UpdatedAt = Now };
        made = made with { Id = write.Db.ExecuteScalar<long>(InsertSql, made) };
        edit.Insert(made);
        if (end is not null)
            edit.Change(made.Id, b => Recounted(write.Db, b));
        edit.Finish();
        return state.All[made.Id];
    }

    /// <summary>Removes a budget with its reservations.</summary>
    public void Delete(IWrite write, Budget budget)
    {
        write.Db.Execute("DELETE FROM reservations WHERE budget = @Id", budget);
        write.Db.Execute("DELETE FROM budgets WHERE id = @Id", budget);
        var edit = new BudgetEdit(this, write);
        edit.Remove(budget);
        edit.Finish();
        write.Raise(new BudgetRemoved(budget.Id));
    }

    /// <summary>Begins the next period of the budgets whose period has ended. A period that has begun does not begin
    /// again when the clock is set back over its start; but when it lies more than its length ahead, the clock was
    /// wrong when it began, and the budgets go back to the present period with what was booked in that.</summary>
    public void Roll(IWrite write)
    {
        var now = Now;
        var goesBack = IsFarAhead(now);
        if (!goesBack && !(NextEnd <= now))
            return;
        var edit = new BudgetEdit(this, write);
        foreach (var due in state.All.Values.Where(b => b.PeriodEnd <= now || (goesBack && b.PeriodStart > now)))
        {
            var (start, end) = BudgetPeriod.At(due.Period, now);
            edit.Change(
                due.Id,
                b =>
                    end is null
                        ? b with
                        {
                            PeriodStart = start,
                        }
                        : Recounted(write.Db, b with { PeriodStart = start, PeriodEnd = end })
            );
            edit.ForgetTold(due.Id);
        }

        edit.Finish();
    }

    /// <summary>Holds and releases agents as the budgets are now.</summary>
    public void HoldAgents(IWrite write) => effects.HoldAgents(write, state.All.Values);

    // While a budget that agents share has too little, more on an agent's own frees nothing.
    private static BudgetQuote Quoted(Budget[] lacking, long micro, long tokens)
    {
        if (lacking.Length == 0)
            return new BudgetQuote(micro, tokens);
        var shared = Array.FindAll(lacking, b => b.Scope != BudgetScope.Agent);
        var holding = shared.Length > 0 ? shared : lacking;
        return new BudgetQuote(micro, tokens, holding[0].Refusal(micro, tokens), shared.Length == 0)
        {
            Lacking = [.. holding.Select(b => b.Id)],
        };
    }

    private long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

    private bool IsFarAhead(long now) => state.LatestStart > now && state.All.Values.Any(b => b.IsFarAhead(now));

    private static Budget Recounted(DbConnection db, Budget budget)
    {
        var (micro, tokens) = BookingTable.Sum(
            db,
            budget.Scope,
            budget.ScopeId,
            budget.PeriodStart,
            budget.PeriodEnd ?? long.MaxValue
        );
        return budget with { SpentMicro = micro, SpentTokens = tokens };
    }

    private void Replace(IWrite write, State next)
    {
        var before = state;
        state = next;
        write.OnRollback(() => state = before);
        if (next.NextEnd != before.NextEnd)
            write.AfterCommit(() => EndsChanged?.Invoke());
    }

    private const string InsertSql = """
        INSERT INTO budgets (
            scope, scope_id, limit_micro, limit_tokens, period, period_start, period_end, alert_threshold, level,
            on_exceed, created_at, updated_at)
        VALUES (
            @Scope, @ScopeId, @LimitMicro, @LimitTokens, @Period, @PeriodStart, @PeriodEnd, @AlertThreshold, @Level,
            @OnExceed, @CreatedAt, @UpdatedAt)
        RETURNING id
        """;

    private const string UpdateSql = """
        UPDATE budgets
           SET limit_micro = @LimitMicro, limit_tokens = @LimitTokens, period_start = @PeriodStart,
               period_end = @PeriodEnd, spent_micro = @SpentMicro, spent_tokens = @SpentTokens,
               reserved_micro = @ReservedMicro, reserved_tokens = @ReservedTokens,
               held_tasks = @HeldTasks, held_micro = @HeldMicro, held_tokens = @HeldTokens,
               alert_threshold = @AlertThreshold, level = @Level, told = @Told, on_exceed = @OnExceed,
               updated_at = @UpdatedAt
         WHERE id = @Id
        """;

    private readonly record struct Reserved(long Budget, long Micro, long Tokens);

    // One operation on budgets: collects the changes, and stores them with what follows from them.
    private sealed class BudgetEdit(Budgets owner, IWrite write)
    {
        private readonly Dictionary<long, Budget?> before = [];
        private State now = owner.state;

        public void Add(
            long id,
            long spentMicro = 0,
            long spentTokens = 0,
            long reservedMicro = 0,
            long reservedTokens = 0
        ) =>
            Change(
                id,
                b =>
                    b with
                    {
                        SpentMicro = b.SpentMicro + spentMicro,
                        SpentTokens = b.SpentTokens + spentTokens,
                        ReservedMicro = b.ReservedMicro + reservedMicro,
                        ReservedTokens = b.ReservedTokens + reservedTokens,
                    }
            );

        public void Change(long id, Func<Budget, Budget> change)
        {
            if (!now.All.TryGetValue(id, out var budget))
                return;
            before.TryAdd(id, budget);
            now = now with { All = now.All.SetItem(id, change(budget)) };
        }

        // The levels above the present one are told again when they are reached.
        public void ForgetTold(long id) => Change(id, b => b with { Told = BudgetLevel.Lower(b.Told, b.LevelNow()) });

        public void Insert(Budget made)
        {
            before.Add(made.Id, null);
            now = State.Of(now.All.Add(made.Id, made), now.Reserved, now.Held);
        }

        public void Remove(Budget gone)
        {
            before.Add(gone.Id, gone);
            now = State.Of(
                now.All.Remove(gone.Id),
                now.Reserved.Select(r => (r.Key, Left: r.Value.RemoveAll(of => of.Budget == gone.Id)))
                    .Where(r => !r.Left.IsEmpty)
                    .ToImmutableDictionary(r => r.Key, r => r.Left),
                now.Held
            );
        }

        public void Hold(long task, HeldTask? hold)
        {
            var was = now.Held.Find(task);
            if (was == hold)
                return;
            now = now with { Held = now.Held.With(task, hold) };
            foreach (var budget in (was?.Budgets ?? []).Union(hold?.Budgets ?? []))
                Count(budget);
        }

        public void ReplaceHolds(HeldTasks held)
        {
            now = now with { Held = held };
            foreach (var budget in now.All.Keys)
                Count(budget);
        }

        public void Reserve(long run, ImmutableArray<Reserved> of) =>
            now = now with { Reserved = now.Reserved.SetItem(run, of) };

        public void Release(long run)
        {
            write.Db.Execute("DELETE FROM reservations WHERE run = @run", new { run });
            foreach (var of in now.Reserved[run])
                Add(of.Budget, reservedMicro: -of.Micro, reservedTokens: -of.Tokens);
            now = now with { Reserved = now.Reserved.Remove(run) };
        }

        // The run goes on: the part of its estimate that is spent is not reserved any more.
        public void Reduce(long run, long micro, long tokens)
        {
            var left = now.Reserved[run]
                .Select(of => new Reserved(of.Budget, Math.Max(0, of.Micro - micro), Math.Max(0, of.Tokens - tokens)))
                .ToImmutableArray();
            foreach (var (was, of) in now.Reserved[run].Zip(left))
            {
                write.Db.Execute(
                    """
                    UPDATE reservations SET micro = @Micro, tokens = @Tokens WHERE run = @run AND budget = @Budget
                    """,
                    new
                    {
                        run,
                        of.Budget,
                        of.Micro,
                        of.Tokens,
                    }
                );
                Add(of.Budget, reservedMicro: of.Micro - was.Micro, reservedTokens: of.Tokens - was.Tokens);
            }

            now = now with { Reserved = now.Reserved.SetItem(run, left) };
        }

        public void Finish()
        {
            HashSet<long> crossed = [];
            foreach (var id in before.Keys.ToArray())
            {
                Change(id, b => b with { Level = b.LevelNow() });
                if (now.All.TryGetValue(id, out var budget) && BudgetLevel.IsHigher(budget.Told, budget.Level))
                {
                    crossed.Add(id);
                    Change(id, b => b with { Told = b.Level });
                }
            }

            if (before.Any(b => now.All.GetValueOrDefault(b.Key)?.PeriodStart != b.Value?.PeriodStart))
                now = State.Of(now.All, now.Reserved, now.Held);
            owner.Replace(write, now);
            foreach (var (id, was) in before)
            {
                if (now.All.TryGetValue(id, out var budget) && budget != was)
                    write.Db.Execute(UpdateSql, budget);
            }

            var changes = before.Select(b => (Before: b.Value, After: now.All.GetValueOrDefault(b.Key))).ToArray();
            owner.effects.Follow(write, changes, crossed, now.All.Values);
            var more = changes
                .Where(c => c.Before is { Holds: true } was && c.After?.HasMoreThan(was) != false)
                .Select(c => (c.Before!.Scope, c.Before.ScopeId))
                .ToArray();
            if (more.Length == 0)
                return;
            foreach (var one in owner.work.Value)
                one.Freed(write, more);
        }

        private void Count(long id)
        {
            var (count, micro, tokens) = now.Held.Of(id);
            Change(id, b => b with { HeldTasks = count, HeldMicro = micro, HeldTokens = tokens });
        }
    }

    private sealed class Sketch(State state) : IBudgetRoom
    {
        private readonly HashSet<long> closed = [];
        private State now = state;

        public (long Micro, long Tokens) Most(string scope, string scopeId)
        {
            var (micro, tokens) = (long.MaxValue, long.MaxValue);
            foreach (var budget in now.Of(scope, scopeId).Where(b => b.Holds))
            {
                if (budget.IsExceeded || closed.Contains(budget.Id))
                    return (-1, -1);
                micro = Math.Min(micro, (budget.LimitMicro - budget.SpentMicro) ?? long.MaxValue);
                tokens = Math.Min(tokens, (budget.LimitTokens - budget.SpentTokens) ?? long.MaxValue);
            }

            return (micro, tokens);
        }

        public bool TryTake(IReadOnlyList<BudgetSubject> subjects, long micro, long tokens)
        {
            HashSet<long> awaited = [];
            foreach (var subject in subjects)
            {
                var lacking = Lacking(subject, micro, tokens);
                if (lacking.Length == 0)
                {
                    Take(subject, micro, tokens);
                    return true;
                }

                awaited.UnionWith(lacking.Where(b => b.Unreserved.Fits(micro, tokens)).Select(b => b.Id));
            }

            // It fits once what is reserved is free: nothing that comes after it may take that.
            closed.UnionWith(awaited);
            return false;
        }

        public bool Lacks(long budget, long micro, long tokens) =>
            now.All.TryGetValue(budget, out var known) && Lacks(known, micro, tokens);

        public BudgetQuote Quote(BudgetSubject subject, long micro, long tokens) =>
            Quoted(Lacking(subject, micro, tokens), micro, tokens);

        private Budget[] Lacking(BudgetSubject subject, long micro, long tokens) =>
            [.. now.Covering(subject).Where(b => Lacks(b, micro, tokens))];

        private bool Lacks(Budget budget, long micro, long tokens) =>
            budget.Holds && (closed.Contains(budget.Id) || !budget.Fits(micro, tokens));

        private void Take(BudgetSubject subject, long micro, long tokens)
        {
            foreach (var budget in now.Covering(subject).Where(b => b.Holds).ToArray())
                now = now with
                {
                    All = now.All.SetItem(
                        budget.Id,
                        budget with
                        {
                            ReservedMicro = budget.ReservedMicro + micro,
                            ReservedTokens = budget.ReservedTokens + tokens,
                        }
                    ),
                };
        }
    }

    private sealed record State(
        ImmutableDictionary<long, Budget> All,
        ImmutableDictionary<(string, string), ImmutableArray<long>> Ids,
        ImmutableDictionary<long, ImmutableArray<Reserved>> Reserved,
        HeldTasks Held,
        long LatestStart,
        long? NextEnd
    )
    {
        public static State Empty { get; } =
            Of(
                ImmutableDictionary<long, Budget>.Empty,
                ImmutableDictionary<long, ImmutableArray<Reserved>>.Empty,
                HeldTasks.None
            );

        public static State Of(
            ImmutableDictionary<long, Budget> all,
            ImmutableDictionary<long, ImmutableArray<Reserved>> reserved,
            HeldTasks held
        ) =>
            new(
                all,
                all.Values.GroupBy(b => (b.Scope, b.ScopeId))
                    .ToImmutableDictionary(of => of.Key, of => of.Select(b => b.Id).ToImmutableArray()),
                reserved,
                held,
                all.Values.Select(b => b.PeriodStart).DefaultIfEmpty().Max(),
                all.Values.Min(b => b.PeriodEnd)
            );

        public IEnumerable<Budget> Of(string scope, string id) =>
            Ids.TryGetValue((scope, id), out var ids) ? ids.Select(budget => All[budget]) : [];

        public IEnumerable<Budget> Covering(BudgetSubject subject) =>
            All.IsEmpty ? [] : BudgetScope.Of(subject).SelectMany(of => Of(of.Scope, of.Id));
    }
}

/// <summary>A booking that was added, or removed with negative amounts.</summary>
/// <param name="Subject">What budgets may cover of it.</param>
/// <param name="At">When it was booked, in ms since 1970.</param>
/// <param name="Micro">The change in millionths of a US dollar.</param>
/// <param name="Tokens">The change in tokens of all kinds.</param>
internal readonly record struct BookingChange(BudgetSubject Subject, long At, long Micro, long Tokens);
