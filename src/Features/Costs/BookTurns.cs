using Hive.Common.Notifications;
using Hive.Common.Storage;
using Hive.Features.Costs.Contracts;
using Hive.Features.Turns.Contracts;

namespace Hive.Features.Costs;

/// <summary>Books the cost of a turn on the tasks that it worked on, in the write that stores the turn's
/// figures.</summary>
internal sealed class BookTurns(
    Budgets budgets,
    RunEstimates estimates,
    CostsToday today,
    IPrices prices,
    Lazy<IEnumerable<ITurnSubjects>> subjects,
    Lazy<IEnumerable<IBudgetedWork>> work
) : ITurnEnded
{
    public void Ended(IWrite write, TurnView turn, TurnView? before)
    {
        // First: a period that begins counts the rows that are stored.
        budgets.Roll(write);
        TurnSubject[] worked = [.. subjects.Value.SelectMany(s => s.Of(write, turn))];
        // The figures of a lost turn go to the tasks that were booked when it was lost.
        List<Booking> replaced = before is null ? [] : BookingTable.Remove(write, turn.Id);
        var at = budgets.BookingTime();
        Booking[] booked =
            replaced.Count > 0
                ? [.. Split(turn, at, replaced.Count).Zip(replaced, Like)]
                : [.. Split(turn, at, Math.Max(1, worked.Length)).Zip(worked.DefaultIfEmpty(), For)];
        foreach (var booking in booked)
            BookingTable.Insert(write, booking);

        foreach (var type in booked.Select(b => b.TaskType).OfType<string>().Distinct())
            estimates.Forget(write, type);
        today.Add(write, turn.Agent, at, booked.Sum(b => b.Micro));
        foreach (var old in replaced)
            today.Add(write, turn.Agent, old.At, -old.Micro);
        if (worked.Length + replaced.Count > 0)
            TellTasks(write, booked, replaced);
        budgets.Book(
            write,
            [
                .. replaced.Select(b => new BookingChange(b.Subject, b.At, -b.Micro, -b.AllTokens)),
                .. booked.Select(b => new BookingChange(b.Subject, b.At, b.Micro, b.AllTokens)),
            ],
            [
                .. worked
                    .GroupBy(w => w.Run)
                    .Select(of =>
                        (
                            of.Key,
                            of.Any(w => w.GoesOn),
                            booked.Where(b => b.Run == of.Key).Sum(b => b.Micro),
                            booked.Where(b => b.Run == of.Key).Sum(b => b.AllTokens)
                        )
                    ),
                .. worked.SelectMany(w => w.EndedRuns).Select(run => (run, false, 0L, 0L)),
            ]
        );
    }

    private void TellTasks(IWrite write, IEnumerable<Booking> booked, IEnumerable<Booking> replaced)
    {
        (long, long)[] costs =
        [
            .. booked
                .Select(b => (b.Task, b.Micro))
                .Concat(replaced.Select(b => (b.Task, Micro: -b.Micro)))
                .Where(b => b.Task is not null)
                .GroupBy(b => b.Task!.Value)
                .Select(of => (of.Key, of.Sum(b => b.Micro)))
                .Where(of => of.Item2 != 0),
        ];
        if (costs.Length == 0)
            return;
        foreach (var one in work.Value)
            one.Booked(write, costs);
    }

    // Whole numbers; the first part has the remainders.
    private IEnumerable<Booking> Split(TurnView turn, long at, int parts)
    {
        var hasTokens =
            turn.InputTokens is not null
            || turn.OutputTokens is not null
            || turn.CacheReadInputTokens is not null
            || turn.CacheCreationInputTokens is not null;
        var tokens = new Tokens(
            turn.InputTokens ?? 0,
            turn.OutputTokens ?? 0,
            turn.CacheReadInputTokens ?? 0,
            turn.CacheCreationInputTokens ?? 0
        );
        var price = TurnPrices.Of(
            prices,
            turn.Model,
            hasTokens ? tokens : null,
            turn.ReportedCostUsd is { } usd ? Money.Micro(usd) : null
        );
        for (var part = 0; part < parts; part++)
        {
            yield return new Booking
            {
                Turn = turn.Id,
                Agent = turn.Agent,
                Provider = TurnPrices.ProviderOf(turn.Model),
                Model = turn.Model,
                PromptTokens = Share(tokens.Input),
                CompletionTokens = Share(tokens.Output),
                CacheReadTokens = Share(tokens.CacheRead),
                CacheCreationTokens = Share(tokens.CacheCreation),
                Micro = Share(price.Micro),
                CompletionMicro = price.CompletionMicro is { } completion ? Share(completion) : null,
                Basis = price.Basis,
                At = at,
            };

            long Share(long whole) => (whole / parts) + (part == 0 ? whole % parts : 0);
        }
    }

    private static Booking For(Booking part, TurnSubject? task) =>
        task is null
            ? part
            : part with
            {
                Ticket = task.Ticket,
                Phase = task.Phase,
                Task = task.Task,
                TaskType = task.TaskType,
                Run = task.Run,
            };

    private static Booking Like(Booking part, Booking old) =>
        part with
        {
            Ticket = old.Ticket,
            Phase = old.Phase,
            Task = old.Task,
            TaskType = old.TaskType,
            Run = old.Run,
        };
}

/// <summary>Keeps in memory what each agent's turns have cost since midnight UTC, for the agents' rows.</summary>
internal sealed class CostsToday(TimeProvider clock)
{
    private readonly Lock gate = new();
    private readonly Dictionary<string, long> micro = new(StringComparer.Ordinal);

    // The agents with costs of a day that has ended, whose rows still show them.
    private readonly HashSet<string> past = new(StringComparer.Ordinal);
    private long day;

    /// <summary>When the day began that is counted, in ms since 1970.</summary>
    public long Start => BudgetPeriod.At(BudgetPeriod.Day, clock.GetUtcNow().ToUnixTimeMilliseconds()).Start;

    /// <summary>When that day ends.</summary>
    public long End => Start + 86_400_000;

    /// <summary>The cost of an agent's turns of today.</summary>
    public long Of(string agent)
    {
        lock (gate)
            return day == Start ? micro.GetValueOrDefault(agent) : 0;
    }

    /// <summary>Called after the first cost of a day; from any thread.</summary>
    public event Action? Began;

    /// <summary>When the day ends of which there are costs, in ms since 1970; null without any.</summary>
    public long? NextEnd
    {
        get
        {
            lock (gate)
                return micro.Count == 0 ? null : BudgetPeriod.At(BudgetPeriod.Day, day).End;
        }
    }

    /// <summary>Forgets the costs of a day that has ended.</summary>
    /// <returns>The agents that had some.</returns>
    public IReadOnlyList<string> TakePast()
    {
        lock (gate)
        {
            BeginDay();
            string[] agents = [.. past];
            past.Clear();
            return agents;
        }
    }

    /// <summary>Loads the bookings of today, at start.</summary>
    public void Load(IEnumerable<(string Agent, long Micro)> booked)
    {
        lock (gate)
        {
            day = Start;
            micro.Clear();
            foreach (var (agent, cost) in booked.Where(b => b.Micro != 0))
                micro[agent] = cost;
        }
    }

    /// <summary>Counts a booking.</summary>
    public void Add(IWrite write, string agent, long at, long change)
    {
        if (change == 0 || at < Start)
            return;
        if (NextEnd is null || day != Start)
            write.AfterCommit(() => Began?.Invoke());
        Change(change);
        write.OnRollback(() => Change(-change));
        write.Raise(new AgentRowChanged(agent));

        void Change(long by)
        {
            lock (gate)
            {
                BeginDay();
                micro[agent] = micro.GetValueOrDefault(agent) + by;
            }
        }
    }

    // Called under the lock.
    private void BeginDay()
    {
        if (day == Start)
            return;
        day = Start;
        past.UnionWith(micro.Keys);
        micro.Clear();
    }
}
