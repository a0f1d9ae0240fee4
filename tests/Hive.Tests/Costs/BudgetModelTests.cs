using Dapper;
using FsCheck;
using FsCheck.Fluent;
using Hive.Common.Storage;
using Hive.Features.Tasks;
using Hive.Tests.Fixture;
using Hive.Tests.Locks;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Costs;

/// <summary>Plays generated histories of 50 agents that share a day's budget, with costs of any size, lost turns and
/// figures that come late.</summary>
public sealed class BudgetModelTests
{
    private const int MostSteps = 120;
    private const int Agents = 50;
    private const double StartUsd = 0.5;

    private static readonly (int Weight, Act What)[] Weights =
    [
        (40, Act.Begin),
        (35, Act.End),
        (8, Act.Lose),
        (8, Act.Late),
        (6, Act.Cancel),
        (3, Act.Raise),
        (2, Act.Rebook),
    ];

    private enum Act
    {
        Begin,
        End,
        Lose,
        Late,
        Cancel,
        Raise,
        Rebook,
    }

    [Fact]
    [Sampled]
    public async Task Budgets_keep_their_bound_and_their_sums_at_every_step()
    {
        var watch = new BoundWatch();
        await using var rig = await TaskRig.Start(services => BoundWatch.Register(services, watch));
        foreach (var agent in Enumerable.Range(0, Agents))
            await rig.Worker($"w{agent}", "capacity: 16\n");
        // As many claims as the limit has room for, and one that it has not.
        const int Room = (int)(StartUsd / CostRig.UsualUsd);
        await new History(rig, watch).Play([.. Enumerable.Range(0, Room + 1).Select(i => new Step(Act.Begin, i, 0))]);
        Assert.Equal((Room, true), (watch.Claimed, watch.Refused > 0));
        // On a thread of its own, because the property blocks on each history.
        await Task.Run(() =>
            Property.Holds(
                Prop.ForAll(
                    Arb.From(Gen.ArrayOf(Steps)),
                    steps => new History(rig, watch).Play(steps).GetAwaiter().GetResult()
                ),
                first: 4,
                inLong: 30,
                MostSteps
            )
        );
    }

    private static Gen<Step> Steps { get; } =
        from what in Gen.Frequency([.. Weights.Select(w => (w.Weight, Gen.Constant(w.What)))])
        from one in Gen.Choose(0, 999)
        from micro in Gen.Choose(0, 150_000)
        select new Step(what, one, micro);

    private sealed record Step(Act What, int One, int Micro);

    private sealed class History(TaskRig rig, BoundWatch watch)
    {
        private readonly List<(string Agent, long Turn, long Task)> open = [];
        private readonly List<(string Agent, long Turn)> lost = [];
        private double limit = StartUsd;
        private string level = "ok";
        private int crossings;
        private long toldBefore;

        public async Task Play(Step[] steps)
        {
            if (steps.All(step => step.What != Act.Begin))
                return;
            foreach (var old in (await rig.Host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray().ToArray())
                await rig.Host.CallAsync("budget_delete", new { id = old.Number("id") });
            // A day of its own: the history before has spent on this one.
            rig.Pass(86_400);
            await rig.Limit(limit, period: "day");
            toldBefore = await rig.Read<long>(ToldSql);
            var ticket = await rig.Ticket();
            await rig.Limit(100, "ticket", ticket);
            var tasks = new Queue<long>(
                await rig.Add(ticket, [.. steps.Where(s => s.What == Act.Begin).Select((_, i) => TaskRig.New($"t{i}"))])
            );
            foreach (var step in steps)
            {
                await Run(step, tasks);
                await Look();
            }

            foreach (var (agent, turn, task) in open.ToArray())
                await End(agent, turn, task, 1000);
            await Look();
        }

        private async Task Run(Step step, Queue<long> tasks)
        {
            switch (step.What)
            {
                case Act.Begin when tasks.TryPeek(out var task):
                    var worker = $"w{step.One % Agents}";
                    if (await rig.Claim(task, worker) is ClaimResult.NotReady)
                    {
                        // Held since an earlier try.
                        tasks.Enqueue(tasks.Dequeue());
                        break;
                    }

                    if ((await rig.Task(task)).Text("status") != "assigned")
                        break;
                    tasks.Dequeue();
                    if (await Begin(worker) is { } begun)
                        open.Add((worker, begun, task));
                    break;
                case Act.End when Pick(open, step) is var (agent, turn, task) && agent is not null:
                    await End(agent, turn, task, step.Micro);
                    break;
                case Act.Lose when Pick(open, step) is var (agent, _, _) && agent is not null:
                    await rig.Of(agent).CallAsync("requeue_inflight");
                    lost.AddRange(open.Where(o => o.Agent == agent).Select(o => (o.Agent, o.Turn)));
                    open.RemoveAll(o => o.Agent == agent);
                    break;
                case Act.Late when lost.Count > 0:
                    var (of, late) = lost[step.One % lost.Count];
                    lost.Remove((of, late));
                    await rig.End(of, late, step.Micro / 1e6);
                    break;
                case Act.Cancel when Pick(open, step) is var (agent, turn, task) && agent is not null:
                    await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
                    await rig.End(agent, turn, step.Micro / 1e6, result: "cancelled");
                    open.Remove((agent, turn, task));
                    break;
                case Act.Raise:
                    limit += 0.2;
                    await rig.Limit(limit, period: "day");
                    break;
                case Act.Rebook:
                    await rig.Host.CallAsync("costs_rebook", new { since = rig.Hive.Clock.GetUtcNow().AddDays(-2) });
                    break;
            }
        }

        private async Task<long?> Begin(string agent)
        {
            var messages = await rig.Messages(agent);
            return messages.Length == 0 ? null : await rig.BeginTurn(agent, [.. messages.Select(m => m.Number("id"))]);
        }

        private async Task End(string agent, long turn, long task, int micro)
        {
            if (micro % 3 != 0 && (await rig.Task(task)).Text("status") == "running")
                await rig.Of(agent).CallAsync("complete_task", new { task, summary = "done" });
            await rig.End(agent, turn, micro / 1e6);
            open.Remove((agent, turn, task));
        }

        private static (string? Agent, long Turn, long Task) Pick(
            List<(string Agent, long Turn, long Task)> from,
            Step step
        ) => from.Count == 0 ? default : from[step.One % from.Count];

        // The level follows from what is spent; it is told when it rises.
        private async Task Look()
        {
            Assert.Null(watch.Fault);
            var (spent, most, stored, told) = await rig
                .Hive.Services.GetRequiredService<IStore>()
                .Read(db =>
                {
                    LegalRows.CheckCosts(db);
                    return db.QuerySingle<(long, long, string, long)>(
                        $"SELECT spent_micro, limit_micro, level, ({ToldSql}) FROM budgets WHERE scope = 'global'"
                    );
                });
            var now =
                spent >= most ? "exceeded"
                : spent >= 0.8 * most ? "warning"
                : "ok";
            Assert.Equal(now, stored);
            if (Rank(now) > Rank(level))
                crossings++;
            level = now;
            Assert.Equal(toldBefore + crossings, told);
        }

        private static int Rank(string of) => Array.IndexOf(["ok", "warning", "exceeded"], of);

        private const string ToldSql = """
            SELECT count(*)
              FROM messages
             WHERE recipient = 'operator' AND body LIKE '{"event":"budget_%"scope":"global"%'
            """;
    }
}
