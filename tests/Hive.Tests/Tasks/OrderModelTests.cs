using FsCheck;
using FsCheck.Fluent;
using Hive.Common.Doors;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Protocol.Options;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tasks;

/// <summary>Plays generated histories on the scheduler's memory and on a model that scores everything each
/// time.</summary>
public sealed class OrderModelTests
{
    private const int MostSteps = 80;

    private static readonly string[] Agents = ["ann", "bob", "cay", "dan"];
    private static readonly string[] Phases = ["PHASE_REQUIREMENTS", "PHASE_IMPLEMENTATION"];
    private static readonly string[] Words = ["csharp", "docs"];

    // Around the moments at which scores change their pace.
    private static readonly long[] Spans =
    [
        0,
        1,
        700,
        30_000,
        450_000,
        600_000,
        600_001,
        899_999,
        900_000,
        900_001,
        1_800_000,
        3_599_999,
        3_600_000,
        7_200_000,
        7_200_001,
    ];

    private enum StepKind
    {
        Put,
        Reorder,
        Remove,
        Give,
        Wait,
        End,
        ChangeAgent,
        PassTime,
        SetClockBack,
    }

    private static readonly (int Weight, StepKind Kind)[] Weights =
    [
        (30, StepKind.Put),
        (10, StepKind.Reorder),
        (6, StepKind.Remove),
        (20, StepKind.Give),
        (4, StepKind.Wait),
        (8, StepKind.End),
        (8, StepKind.ChangeAgent),
        (20, StepKind.PassTime),
        (1, StepKind.SetClockBack),
    ];

    private static Gen<Step> Steps { get; } =
        from kind in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.Kind)))])
        from id in Gen.Choose(1, 14)
        from seed in Gen.Choose(0, int.MaxValue - 1)
        from fails in Gen.Frequency([(4, Gen.Constant(false)), (1, Gen.Constant(true))])
        select new Step(kind, id, seed, fails);

    private static TasksOptions OtherWeights { get; } =
        new()
        {
            PriorityWeight = 0.30m,
            AgeWeight = 0.30m,
            DeadlineWeight = 0.20m,
            DependentsWeight = 0.10m,
            RetriesWeight = 0.10m,
            AgeSeconds = 1800,
            UrgentSeconds = 600,
            UrgentBoost = 1.5m,
            StarvedSeconds = 3600,
            StarvedFloor = 0.70m,
        };

    [Theory]
    [Sampled]
    [InlineData(false)]
    [InlineData(true)]
    public void The_next_task_is_the_one_with_the_highest_score_at_any_time(bool hasOtherWeights) =>
        CheckAll(AssertOrder, hasOtherWeights ? OtherWeights : new TasksOptions());

    [Fact]
    [Sampled]
    public void A_task_goes_to_the_free_agent_that_fits_it_best() => CheckAll(AssertMatch, new TasksOptions());

    private static void CheckAll(Action<Rig> check, TasksOptions weights) =>
        Property.Holds(
            Prop.ForAll(Arb.From(Gen.ArrayOf(Steps), Shrinking.Smaller), steps => Play(steps, check, weights)),
            first: 120,
            inLong: 1_200,
            MostSteps
        );

    private static void Play(Step[] steps, Action<Rig> check, TasksOptions weights)
    {
        var rig = new Rig(weights);
        foreach (var step in steps)
        {
            rig.Run(step);
            check(rig);
        }
    }

    private static void AssertOrder(Rig rig)
    {
        var order = rig.Model.Order(rig.Now);
        Assert.Equal(order.Select(task => task.Id), rig.Ready.First(int.MaxValue));
        Assert.Equal(order.Take(3).Select(task => task.Id), rig.Ready.First(3));
        Assert.All(
            order,
            task => Assert.Equal(rig.Model.Score(task, rig.Now), rig.Ready.ScoreOf(task.Id)!.Value, 1e-9)
        );
    }

    private static void AssertMatch(Rig rig)
    {
        Assert.Equal(rig.Model.Next(rig.Now), rig.Ready.Next() is { } next ? (next.Task.Id, next.Agent!) : null);
        Assert.All(
            Agents,
            name =>
                Assert.Equal(
                    rig.Model.Tasks.Values.Where(t => t.Agent == name).Select(t => t.Id).Order(),
                    rig.Ready.TasksOf(name)
                )
        );
    }

    /// <param name="Kind">What happens.</param>
    /// <param name="Id">The task.</param>
    /// <param name="Seed">Decides the rest.</param>
    /// <param name="Fails">The write is taken back.</param>
    private sealed record Step(StepKind Kind, long Id, int Seed, bool Fails);

    private sealed class Rig
    {
        private readonly ManualClock clock = new(new DateTimeOffset(2026, 11, 1, 9, 0, 0, TimeSpan.Zero));

        public Rig(TasksOptions weights)
        {
            Model = new NaiveScheduler(weights);
            Model.MaxActive[("ship", Phases[1])] = 3;
            Ready = new ReadyTasks(
                new LimitedWorkflows { MaxActive = Model.MaxActive },
                new HiveOptions { Tasks = weights },
                clock
            );
            foreach (var name in Agents)
                ChangeAgent(name, new Random(name.Length + name[0]));
        }

        public NaiveScheduler Model { get; }

        public ReadyTasks Ready { get; }

        public long Now => clock.GetUtcNow().ToUnixTimeMilliseconds();

        public void Run(Step step)
        {
            var random = new Random(step.Seed);
            var known = Model.Tasks.GetValueOrDefault(step.Id);
            switch (step.Kind)
            {
                case StepKind.Put:
                    Write(step, NewTask(step.Id, random));
                    break;
                case StepKind.Reorder when known is not null:
                    Write(
                        step,
                        known with
                        {
                            Priority = random.Next(1, 5),
                            Dependents = random.Next(0, 14),
                            DeadlineAt = Deadline(random),
                        }
                    );
                    break;
                case StepKind.Remove:
                    Write(step, null);
                    break;
                case StepKind.Give when Model.Next(Now) is var (task, agent):
                    Write(step with { Id = task }, Model.Tasks[task].GivenTo(agent));
                    break;
                case StepKind.Wait when known is { Agent: not null }:
                    Write(step, known with { Waits = !known.Waits });
                    break;
                case StepKind.End when known is { Agent: { } had }:
                    var failed = random.Next(2) == 0;
                    Write(
                        step,
                        known with
                        {
                            Agent = null,
                            Active = random.Next(4) == 0,
                            Waits = false,
                            ReadyAt = failed ? Now : null,
                            Failed = failed ? [.. known.Failed, (had, Now)] : known.Failed,
                        }
                    );
                    break;
                case StepKind.ChangeAgent:
                    ChangeAgent(Agents[random.Next(Agents.Length)], random);
                    break;
                case StepKind.PassTime:
                    clock.Advance(TimeSpan.FromMilliseconds(Spans[random.Next(Spans.Length)]));
                    break;
                case StepKind.SetClockBack:
                    clock.Jump(-TimeSpan.FromMilliseconds(Spans[random.Next(Spans.Length)]));
                    break;
            }
        }

        private void Write(Step step, QueuedTask? task)
        {
            var (write, undo) = (new MemoryWrite(), Model.Save());
            if (task is null)
            {
                Ready.Remove(write, step.Id);
                Model.Remove(step.Id);
            }
            else
            {
                Ready.Put(write, task);
                Model.Put(task);
            }

            if (!step.Fails)
                return;
            // Time may pass while a write waits for its commit.
            clock.Advance(TimeSpan.FromMilliseconds(step.Seed % 2));
            write.RollBack();
            undo();
        }

        private void ChangeAgent(string name, Random random)
        {
            var profile = SchedulerRig.Agent(
                random.Next(0, 4),
                random.Next(5) == 0 ? Duty.Validator : Duty.Worker,
                [.. Words.Where(_ => random.Next(3) > 0)],
                random.Next(3) == 0 ? [Phases[random.Next(2)]] : null,
                random.Next(4) > 0
            ) with
            {
                InTurn = random.Next(3) == 0,
            };
            Model.Agents[name] = profile;
            Ready.Set(name, profile);
        }

        private QueuedTask NewTask(long id, Random random) =>
            SchedulerRig.Task(id, Now - (random.Next(3) == 0 ? Spans[random.Next(Spans.Length)] : 0)) with
            {
                Ticket = id % 4,
                PhaseId = Phases[random.Next(2)],
                Needs = random.Next(5) == 0 ? Duty.Validator : Duty.Worker,
                Capabilities = [.. Words.Where(_ => random.Next(3) == 0)],
                WantsAgent = random.Next(8) == 0 ? Agents[random.Next(Agents.Length)] : null,
                Prefers = random.Next(5) == 0 ? Agents[random.Next(Agents.Length)] : null,
                Priority = random.Next(1, 5),
                Rank = random.Next(3),
                Dependents = random.Next(0, 14),
                RetryCount = random.Next(0, 4),
                MaxRetries = random.Next(0, 7),
                DeadlineAt = Deadline(random),
            };

        private long? Deadline(Random random) =>
            random.Next(2) == 0 ? null : Now + (random.Next(4) == 0 ? -1 : 1) * Spans[random.Next(Spans.Length)];
    }
}
