using System.Text.Json;
using Dapper;
using Hive.Features.Costs.Contracts;
using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Collaboration;
using Hive.Tests.Fixture;
using Hive.Tests.Locks;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;
using static System.StringComparison;
using Turning = Hive.Tests.Turns.Turning;

namespace Hive.Tests.Costs;

/// <summary>Budgets hold tasks and agents back, and let them go on.</summary>
public sealed class BudgetTests
{
    [Theory]
    [InlineData("raise")]
    [InlineData("delete")]
    [InlineData("warn")]
    public async Task A_task_that_a_budget_holds_is_free_when_the_budget_lets_it(string how)
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        var budget = await rig.Limit(0.05);
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "alice"));
        var held = await rig.Task(task);
        Assert.Equal(["budget"], held.Holds());
        Assert.Equal(
            "budget once 0.05 USD: spent 0.00, reserved 0.00, this needs about 0.054 USD",
            held.GetProperty("holds")[0].Text("reason")
        );
        Assert.Equal(ClaimResult.NotReady, await rig.Claim(task, "alice"));
        if (how == "delete")
            await rig.Host.CallAsync("budget_delete", new { id = budget.Number("id") });
        else
            await rig.Limit(how == "raise" ? 0.06 : 0.04, onExceed: how == "warn" ? "warn" : "hold");
        Assert.Empty((await rig.Task(task)).Holds());
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(task, "alice"));
    }

    [Theory]
    [InlineData("global", null)]
    [InlineData("ticket", "1")]
    [InlineData("phase", "software_development/PHASE_BACKLOG")]
    [InlineData("task_type", "implement_feature")]
    public async Task A_reservation_counts_until_its_turn_ends(string scope, string? id)
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Limit(0.1, scope, id);
        var turn = await rig.Run(tasks[0], "alice");
        Assert.Equal(CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        var run = (await rig.Task(tasks[0])).GetProperty("runs")[0];
        Assert.Equal(CostRig.UsualUsd, run.Usd("estimate_usd"), 6);
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[1], "bob"));
        await rig.Of("alice").CallAsync("complete_task", new { task = tasks[0], summary = "done" });
        Assert.Equal(["budget"], (await rig.Task(tasks[1])).Holds());

        // Less than was reserved: there is room for the other one.
        await rig.End("alice", turn, 0.01);
        var budget = await rig.Budget();
        Assert.Equal((0.01, 0, "ok"), (budget.Usd("spent_usd"), budget.Usd("reserved_usd"), budget.Text("level")));
        Assert.Empty((await rig.Task(tasks[1])).Holds());
        var brief = JsonElement.Parse((await Given(rig, tasks[1], "bob")).GetProperty("body").GetString()!);
        Assert.Equal(0.09, brief.Usd("budget_left_usd"), 6);
    }

    [Fact]
    public async Task A_run_without_a_turn_ends_its_reservation_and_a_restart_keeps_those_of_others()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Limit(1);
        await rig.Give(tasks[0], "alice");
        await rig.Give(tasks[1], "bob");
        await rig.Restart();
        Assert.Equal(2 * CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        await rig.Host.CallAsync("change_task", new { id = tasks[0], action = "cancel" });
        Assert.Equal(CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        await rig.Connect("bob");
        await rig.Of("bob").CallAsync("complete_task", new { task = tasks[1], summary = "done" });
        Assert.Equal(0, (await rig.Budget()).Usd("reserved_usd"));
    }

    [Fact]
    public async Task A_period_that_ends_frees_what_it_held_and_never_begins_twice()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        await rig.Limit(0.06, period: "day");
        await rig.Complete(tasks[0], "alice", 0.05);
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[1], "alice"));
        Assert.Equal(["budget_warning"], await rig.Told());

        rig.Pass(86_400);
        await rig.Until(tasks[1], row => row.Holds().Length == 0);
        var rolled = await rig.Budget();
        Assert.Equal((0, "ok"), (rolled.Usd("spent_usd"), rolled.Text("level")));
        await rig.Complete(tasks[1], "alice", 0.05);
        Assert.Equal(["budget_warning", "budget_warning"], await rig.Told());

        // Set back over the end of the period: it goes on, and so does what it has spent.
        rig.Hive.Clock.Jump(TimeSpan.FromDays(-1));
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[2], "alice"));
        var now = await rig.Budget();
        Assert.Equal(
            (0.05, rolled.Text("period_start"), rolled.Text("period_end")),
            (now.Usd("spent_usd"), now.Text("period_start"), now.Text("period_end"))
        );
        await rig.Talk("alice", 40);
        Assert.Equal(0.051, (await rig.Budget()).Usd("spent_usd"), 6);
        await Legal(rig);
    }

    [Fact]
    public async Task A_booking_that_is_the_first_of_a_period_counts_once()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Limit(10, period: "day");
        await rig.Talk("alice", 40_000);
        // No alarm and no claim has seen the end of the period.
        rig.Hive.Clock.Jump(TimeSpan.FromDays(1));
        await rig.Talk("alice", 4_000);
        Assert.Equal(0.1, (await rig.Budget()).Usd("spent_usd"), 6);
        await Legal(rig);
    }

    [Fact]
    public async Task A_run_that_ends_in_a_turn_about_something_else_is_booked_with_it()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 2\n");
        var ticket = await rig.Ticket();
        var tasks = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"));
        await rig.Limit(1, "ticket", ticket);
        foreach (var task in tasks)
            await rig.End("alice", await rig.Run(task, "alice"));
        var (turn, _) = await Turning.Turn(rig.Hive, rig.Of("alice"), "alice");
        foreach (var task in tasks)
            await rig.Of("alice").CallAsync("complete_task", new { task, summary = "done" });
        Assert.Equal(2 * CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        await Legal(rig);
        await rig.Restart();
        await rig.Connect("alice");
        Assert.Equal(2 * CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        await rig.End("alice", turn, 0.08);
        var budget = await rig.Budget();
        Assert.Equal((0.08, 0), (budget.Usd("spent_usd"), budget.Usd("reserved_usd")));
        foreach (var task in tasks)
            Assert.Equal(0.04, (await rig.Costs("task", task)).Usd("cost_usd"));
        await Legal(rig);
    }

    [Fact]
    public async Task A_turn_that_works_through_tasks_is_shared_by_all_of_them()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capacity: 3\n");
        var ticket = await rig.Ticket();
        await rig.Limit(1, "ticket", ticket);
        var (turn, _) = await Turning.Turn(rig.Hive, alice, "alice");
        var tasks = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        foreach (var task in tasks)
        {
            await rig.Give(task, "alice");
            await alice.CallAsync("report_progress", new { task, text = "begun" });
            // The last one goes on after the turn.
            if (task != tasks[2])
                await alice.CallAsync("complete_task", new { task, summary = "done" });
        }

        await rig.End("alice", turn, 0.09);
        foreach (var task in tasks)
            Assert.Equal(0.03, (await rig.Costs("task", task)).Usd("cost_usd"));
        var budget = await rig.Budget();
        Assert.Equal((0.09, CostRig.UsualUsd - 0.03), (budget.Usd("spent_usd"), budget.Usd("reserved_usd")));
        await Legal(rig);
    }

    [Fact]
    public async Task Two_runs_of_a_task_in_one_turn_both_end_their_reservations()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Limit(1);
        var turn = await rig.Run(task, "alice");
        await alice.CallAsync("fail_task", new { task, reason = "flaky" });
        rig.Pass(60);
        await rig.Until(task, row => row.Holds().Length == 0);
        await rig.Give(task, "alice");
        // Received inside the turn, which holds it so.
        using var inTurn = await rig.Hive.Connect("alice");
        await inTurn.CallAsync("hello", new { turn });
        Assert.NotEmpty(await inTurn.Receive());
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
        await alice.CallAsync("complete_task", new { task, summary = "done" });
        await rig.End("alice", turn, 0.05);
        var budget = await rig.Budget();
        Assert.Equal((0.05, 0), (budget.Usd("spent_usd"), budget.Usd("reserved_usd")));
        Assert.Single(await rig.Records("task", task));
        await Legal(rig);
    }

    [Fact]
    public async Task A_removed_ticket_ends_the_reservations_of_turns_that_are_still_open()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var task = (await rig.Add(ticket, TaskRig.New("a")))[0];
        await rig.Limit(1);
        var turn = await rig.Run(task, "alice");
        await alice.CallAsync("complete_task", new { task, summary = "done" });
        await rig.Change(write => rig.Tickets.Delete(write, ticket));
        Assert.Equal(0, (await rig.Budget()).Usd("reserved_usd"));
        await rig.End("alice", turn, 0.05);
        var budget = await rig.Budget();
        Assert.Equal((0.05, 0), (budget.Usd("spent_usd"), budget.Usd("reserved_usd")));
    }

    [Fact]
    public async Task A_clock_that_is_far_ahead_for_a_moment_leaves_the_budgets_as_they_were()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var before = await rig.Limit(10, period: "day");
        await rig.Talk("alice", 40_000);
        rig.Hive.Clock.Jump(TimeSpan.FromDays(20_000));
        await rig.Talk("alice", 4_000);
        rig.Hive.Clock.Jump(TimeSpan.FromDays(-20_000));
        await rig.Talk("alice", 4_000);
        var after = await rig.Budget();
        Assert.Equal(
            (1.1, before.Text("period_start"), before.Text("period_end")),
            (after.Usd("spent_usd"), after.Text("period_start"), after.Text("period_end"))
        );
        await Legal(rig);
        var once = await rig.Limit(10, "agent", "alice");
        await rig.Talk("alice", 4_000);
        var spent = (await rig.Host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray();
        Assert.Equal(0.1, spent.Single(b => b.Number("id") == once.Number("id")).Usd("spent_usd"), 6);
    }

    [Fact]
    public async Task A_budget_keeps_what_is_left_out_when_its_limit_is_raised()
    {
        await using var rig = await TaskRig.Start();
        await rig.Host.CallAsync(
            "budget_set",
            new
            {
                scope = "global",
                limit_usd = 1,
                limit_tokens = 1000,
                on_exceed = "warn",
                alert_threshold = 0.5,
            }
        );
        await rig.Host.CallAsync("budget_set", new { scope = "global", limit_usd = 2 });
        var budget = await rig.Budget();
        Assert.Equal(
            (2, 1000, "warn", 0.5),
            (
                budget.Usd("limit_usd"),
                budget.Number("limit_tokens"),
                budget.Text("on_exceed"),
                budget.Usd("alert_threshold")
            )
        );
    }

    [Fact]
    public async Task A_large_task_is_freed_before_small_ones_that_come_after_it()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var ticket = await rig.Ticket();
        var tasks = await rig.Add(
            ticket,
            TaskRig.New("known"),
            Typed("large"),
            TaskRig.New("a"),
            TaskRig.New("b"),
            Typed("large")
        );
        await rig.Complete(tasks[0], "alice", 0.1);
        await rig.Complete(tasks[1], "alice", 0.2);
        await rig.Limit(0.35);
        // 0.12 each: two fit, and neither the large one nor another small one does.
        var first = await rig.Run(tasks[2], "alice");
        var second = await rig.Run(tasks[3], "bob");
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[4], "alice"));
        var small = (await rig.Add(await rig.Ticket(), TaskRig.New("small")))[0];
        Assert.Equal(ClaimResult.Held, await rig.Claim(small, "alice"));
        await rig.Of("alice").CallAsync("complete_task", new { task = tasks[2], summary = "done" });
        await rig.End("alice", first, 0.01);
        Assert.Equal(["budget"], (await rig.Task(tasks[4])).Holds());
        Assert.Equal(["budget"], (await rig.Task(small)).Holds());
        await rig.Of("bob").CallAsync("complete_task", new { task = tasks[3], summary = "done" });
        await rig.End("bob", second, 0.01);
        Assert.Empty((await rig.Task(tasks[4])).Holds());
        await Legal(rig);

        static object Typed(string type) => new { task_type = type, title = type };
    }

    [Theory]
    [InlineData("raise")]
    [InlineData("delete")]
    [InlineData("period")]
    [InlineData("agent")]
    [InlineData("raise after a restart")]
    public async Task A_task_whose_agents_all_lack_budget_is_held_until_one_can_have_it(string how)
    {
        await using var rig = await TaskRig.Start();
        await Scheduled(rig, "alice");
        await rig.Limit(0.06, "agent", "alice", period: "day");
        await rig.Talk("alice", 2000);
        var task = await rig.OneTask();
        var held = await rig.Until(task, row => row.Holds().Length > 0);
        Assert.Equal(["budget"], held.Holds());
        Assert.Equal(
            "no agent that fits has budget left: budget of alice day 0.06 USD: spent 0.05, reserved 0.00, "
                + "this needs about 0.054 USD",
            held.GetProperty("holds")[0].Text("reason")
        );
        Assert.Equal(1, (await rig.Budget()).GetProperty("held").Number("tasks"));
        await Legal(rig);
        if (how.EndsWith("restart", StringComparison.Ordinal))
        {
            await rig.Restart();
            await rig.Connect("alice");
            Assert.Equal(["budget"], (await rig.Task(task)).Holds());
        }

        switch (how)
        {
            case "delete":
                await rig.Host.CallAsync("budget_delete", new { id = (await rig.Budget()).Number("id") });
                break;
            case "period":
                rig.Pass(86_400);
                break;
            case "agent":
                await Scheduled(rig, "bob");
                break;
            default:
                await rig.Limit(1, "agent", "alice", period: "day");
                break;
        }

        var given = await rig.Until(task, "assigned");
        Assert.Equal(how == "agent" ? "bob" : "alice", given.Text("agent"));
        Assert.Empty(given.Holds());
        await Legal(rig);
    }

    [Fact]
    public async Task Tasks_of_agents_that_budgets_hold_say_so_and_are_given_in_turn()
    {
        await using var rig = await TaskRig.Start();
        await Scheduled(rig, "alice");
        await Scheduled(rig, "bob");
        await rig.Limit(0.01, "agent", "alice");
        await rig.Limit(0.01, "agent", "bob");
        await rig.Talk("alice", 4_000);
        await rig.Talk("bob", 2_000);
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        foreach (var task in tasks)
        {
            var held = await rig.Until(task, row => row.Holds().Length > 0);
            Assert.Equal(
                "no agent that fits has budget left: budget of alice once 0.01 USD: spent 0.10, reserved 0.00, this "
                    + "needs about 0.054 USD; budget of bob once 0.01 USD: spent 0.05, reserved 0.00, this needs about "
                    + "0.054 USD",
                held.GetProperty("holds")[0].Text("reason")
            );
        }

        // Enough for one of them: the other one waits for bob, or for more.
        await rig.Limit(0.16, "agent", "alice");
        Assert.Equal("alice", (await rig.Until(tasks[0], "assigned")).Text("agent"));
        Assert.Equal(["budget"], (await rig.Task(tasks[1])).Holds());
        await rig.Limit(1, "agent", "bob");
        Assert.Equal("bob", (await rig.Until(tasks[1], "assigned")).Text("agent"));
        await Legal(rig);
    }

    [Fact]
    public async Task A_global_budget_that_is_used_up_holds_tasks_that_come_later()
    {
        await using var rig = await TaskRig.Start();
        await Scheduled(rig, "alice");
        await rig.Limit(0.01);
        await rig.Talk("alice", 4_000);
        var task = await rig.OneTask();
        var held = await rig.Until(task, row => row.Holds().Length > 0);
        Assert.StartsWith("budget once 0.01 USD: spent 0.10", held.GetProperty("holds")[0].Text("reason"), Ordinal);
        await rig.Limit(1);
        await rig.Until(task, "assigned");
    }

    [Fact]
    public async Task A_budget_tells_that_its_rest_is_too_little_for_the_tasks_that_it_holds()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        await rig.Limit(0.12);
        var turn = await rig.Run(tasks[0], "alice");
        await rig.Limit(0.1);
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[1], "alice"));
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[2], "alice"));
        // The run may cost less than its reservation.
        Assert.Equal((2, false, 0.046, 0.054), await Held());
        Assert.Empty(await Waiting());

        await rig.Of("alice").CallAsync("complete_task", new { task = tasks[0], summary = "done" });
        await rig.End("alice", turn, 0.07);
        Assert.Equal("ok", (await rig.Budget()).Text("level"));
        Assert.Equal((2, true, 0.03, 0.054), await Held());
        Assert.Equal(
            (
                "the budget of all agents has too little left for 2 tasks",
                "0.07 of 0.10 USD, once; holds 2 tasks: 0.03 USD left, and the smallest needs about 0.054 USD"
            ),
            Assert.Single(await Waiting())
        );
        await Legal(rig);
        await rig.Restart();
        Assert.Equal((2, true, 0.03, 0.054), await Held());
        Assert.Single(await Waiting());

        await rig.Host.CallAsync("change_task", new { id = tasks[1], action = "cancel" });
        Assert.Equal((1, true, 0.03, 0.054), await Held());
        await rig.Limit(1);
        Assert.False((await rig.Budget()).TryGetProperty("held", out _));
        Assert.Empty(await Waiting());
        await Legal(rig);

        async Task<(long Tasks, bool Stuck, double Left, double Least)> Held()
        {
            var held = (await rig.Budget()).GetProperty("held");
            return (
                held.Number("tasks"),
                held.GetProperty("stuck").GetBoolean(),
                Math.Round(held.Usd("left_usd"), 6),
                held.Usd("least_usd")
            );
        }

        async Task<(string?, string?)[]> Waiting() =>
            [
                .. (await rig.Hive.State())
                    .GetProperty("waiting")
                    .EnumerateArray()
                    .Where(row => row.Text("kind") == "budget_exceeded")
                    .Select(row => (row.Text("title"), row.Text("detail"))),
            ];
    }

    [Fact]
    public async Task Held_tasks_are_freed_in_the_order_of_the_queue_and_keep_their_place_in_it()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        object high = new
        {
            @ref = "high",
            task_type = "implement_feature",
            title = "high",
            priority = "HIGH",
        };
        var tasks = await rig.Add(
            await rig.Ticket(),
            [high, TaskRig.New("awaited"), .. Enumerable.Range(0, 10).Select(i => TaskRig.New($"after {i}", "awaited"))]
        );
        var since = (await rig.Task(tasks[1])).Text("ready_at");
        await rig.Limit(0.01);
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[0], "alice"));
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[1], "alice"));
        rig.Pass(60);
        // Enough for one: ten others wait for the second, which is worth more than a step of priority.
        await rig.Limit(0.1);
        Assert.Equal(["budget"], (await rig.Task(tasks[0])).Holds());
        var freed = await rig.Task(tasks[1]);
        Assert.Equal((0, since), (freed.Holds().Length, freed.Text("ready_at")));
    }

    [Fact]
    public async Task A_held_task_whose_worth_rises_is_freed_before_others()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var tasks = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        await rig.Limit(0.01);
        foreach (var task in tasks)
            Assert.Equal(ClaimResult.Held, await rig.Claim(task, "alice"));
        await rig.Add(
            ticket,
            [
                .. Enumerable
                    .Range(0, 5)
                    .Select(i => new
                    {
                        task_type = "t",
                        title = $"after {i}",
                        depends_on = new[] { tasks[2] },
                    }),
            ]
        );
        await rig.Limit(0.1);
        foreach (var (task, count) in tasks.Zip<long, int>([1, 1, 0]))
            Assert.Equal(count, (await rig.Task(task)).Holds().Length);
    }

    [Theory]
    [InlineData("raise")]
    [InlineData("delete")]
    public async Task A_task_names_the_budget_that_holds_it_now(string how)
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var task = (await rig.Add(ticket, TaskRig.New("a")))[0];
        var own = await rig.Limit(0.01, "ticket", ticket);
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "alice"));
        await rig.Limit(0.05);
        Assert.Equal(["ticket stuck"], await Holding());

        if (how == "delete")
            await rig.Host.CallAsync("budget_delete", new { id = own.Number("id") });
        else
            await rig.Limit(1, "ticket", ticket);
        Assert.Equal(["global stuck"], await Holding());
        Assert.Equal(
            "budget once 0.05 USD: spent 0.00, reserved 0.00, this needs about 0.054 USD",
            (await rig.Task(task)).GetProperty("holds")[0].Text("reason")
        );
        await Legal(rig);
        await rig.Limit(1);
        Assert.Empty((await rig.Task(task)).Holds());
        Assert.Empty(await Holding());

        async Task<string[]> Holding() =>
            [
                .. (await rig.Host.CallAsync("budgets"))
                    .GetProperty("budgets")
                    .EnumerateArray()
                    .Where(b => b.TryGetProperty("held", out _))
                    .Select(b =>
                        b.Text("scope") + (b.GetProperty("held").GetProperty("stuck").GetBoolean() ? " stuck" : "")
                    ),
            ];
    }

    [Fact]
    public async Task A_budget_of_an_agent_holds_nothing_that_a_shared_one_holds()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Limit(0.02, "agent", "alice");
        await rig.Limit(0.01);
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "alice"));
        var held = (await rig.Host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray();
        Assert.Equal("global", Assert.Single(held, b => b.TryGetProperty("held", out _)).Text("scope"));
    }

    [Fact]
    public async Task A_budget_is_kept_only_for_a_task_that_none_of_its_agents_can_have()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Limit(0.1, "agent", "alice");
        await rig.Give(await rig.OneTask(), "alice");
        var room = rig.Hive.Services.GetRequiredService<IBudgets>().Room();
        var (alice, bob) = (new BudgetSubject("alice"), new BudgetSubject("bob"));
        // Of 0.1 USD 0.054 are reserved.
        Assert.True(room.TryTake([alice, bob], 60_000, 0));
        Assert.True(room.TryTake([alice], 20_000, 0));
        Assert.False(room.TryTake([alice], 60_000, 0));
        Assert.False(room.TryTake([alice], 20_000, 0));
    }

    [Fact]
    public async Task A_task_is_given_when_its_agents_period_turns_out_to_have_ended()
    {
        await using var rig = await TaskRig.Start();
        await Scheduled(rig, "alice");
        await rig.Limit(0.06, "agent", "alice", period: "day");
        await rig.Talk("alice", 4000);
        // No alarm has seen the end of the period: the scheduler does, while it asks the agent's budgets.
        rig.Hive.Clock.Jump(TimeSpan.FromDays(1));
        var task = await rig.OneTask();
        Assert.Equal("alice", (await rig.Until(task, "assigned")).Text("agent"));
    }

    [Fact]
    public async Task One_of_two_limits_can_be_removed_alone()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Host.CallAsync(
            "budget_set",
            new
            {
                scope = "global",
                limit_usd = 1,
                limit_tokens = 10,
            }
        );
        await rig.Talk("alice", 40);
        Assert.Equal("exceeded", (await rig.Budget()).Text("level"));
        await rig.Host.CallAsync("budget_set", new { scope = "global", clear = new[] { "limit_tokens" } });
        var budget = await rig.Budget();
        Assert.Equal((1, "ok"), (budget.Usd("limit_usd"), budget.Text("level")));
        Assert.False(budget.TryGetProperty("limit_tokens", out _));

        var last = await Refused("conflict", new { scope = "global", clear = new[] { "limit_usd" } });
        Assert.Equal(
            "budget once 1.00 USD would have no limit left; give the other limit, or delete budget 1",
            last.Message
        );
        await Refused("invalid", new { scope = "global", clear = new[] { "limit" } });
        await Refused(
            "invalid",
            new
            {
                scope = "global",
                limit_usd = 2,
                clear = new[] { "limit_usd" },
            }
        );
        await Refused(
            "not_found",
            new
            {
                scope = "global",
                period = "day",
                clear = new[] { "limit_usd" },
            }
        );
        Assert.Equal(
            System.Net.HttpStatusCode.Created,
            (
                await rig.Post(
                    "/api/v1/costs/budgets",
                    new
                    {
                        scope_type = "global",
                        limit_tokens = 99,
                        clear = new[] { "limit_amount" },
                    }
                )
            ).Status
        );
        budget = await rig.Budget();
        Assert.Equal(99, budget.Number("limit_tokens"));
        Assert.False(budget.TryGetProperty("limit_usd", out _));

        Task<HiveException> Refused(string code, object set) =>
            Talk.Refused(() => rig.Host.CallAsync("budget_set", set), code);
    }

    [Fact]
    public async Task A_task_whose_agents_budget_cancels_may_be_done_by_others()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 2\n");
        await rig.Worker("bob");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Limit(0.2, "agent", "alice", onExceed: "cancel");
        var first = await rig.Run(tasks[0], "alice");
        await rig.Give(tasks[1], "alice");
        await rig.End("alice", first, 0.3);
        foreach (var task in tasks)
        {
            var row = await rig.Until(task, "pending");
            Assert.Equal((0, 0), (row.Number("faults"), row.Holds().Length));
        }

        Assert.Equal(ClaimResult.Claimed, await rig.Claim(tasks[1], "bob"));
    }

    [Theory]
    [InlineData("once", null, null)]
    [InlineData("day", "2026-01-31T00:00:00.000Z", "2026-02-01T00:00:00.000Z")]
    [InlineData("week", "2026-01-26T00:00:00.000Z", "2026-02-02T00:00:00.000Z")]
    [InlineData("month", "2026-01-01T00:00:00.000Z", "2026-02-01T00:00:00.000Z")]
    public async Task A_period_begins_at_midnight(string period, string? start, string? end)
    {
        await using var rig = await TaskRig.Start();
        var budget = await rig.Limit(1, period: period);
        Assert.Equal(end, budget.Text("period_end"));
        if (start is not null)
            Assert.Equal(start, budget.Text("period_start"));
    }

    [Fact]
    public async Task A_crossing_is_told_once()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var tasks = await rig.Add(await rig.Ticket(), [.. Enumerable.Range(0, 5).Select(i => TaskRig.New($"t{i}"))]);
        await rig.Limit(1);
        await rig.Complete(tasks[0], "alice", 0.5);
        Assert.Empty(await rig.Told());
        await rig.Talk("alice", 12_000);
        Assert.Equal(["budget_warning"], await rig.Told());
        await rig.Talk("alice", 400);
        Assert.Equal(["budget_warning"], await rig.Told());
        await rig.Talk("alice", 40_000);
        var told = await rig.Told();
        Assert.Equal(["budget_exceeded", "budget_warning"], told.Order());
        Assert.Equal(
            "budget_exceeded",
            Assert
                .Single(
                    (await rig.Hive.State()).GetProperty("waiting").EnumerateArray(),
                    w => w.Text("kind") == "budget_exceeded"
                )
                .Text("kind")
        );

        // A raised limit that is used up again is a crossing of its own.
        await rig.Limit(100);
        await rig.Talk("alice", 4_000_000);
        Assert.Equal(["budget_exceeded", "budget_exceeded", "budget_warning"], (await rig.Told()).Order());
    }

    [Fact]
    public async Task An_exceeded_budget_of_an_agent_or_of_all_holds_the_agents()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var bob = await rig.Worker("bob");
        await rig.Limit(0.1, "agent", "alice");
        var task = await rig.OneTask();
        await rig.Talk("alice", 4_000);
        Assert.Equal("budget of alice once 0.10 USD", await Held("alice"));
        Assert.Null(await Held("bob"));
        // Only this agent's budget has too little: another one may have the task.
        Assert.Equal(ClaimResult.OtherAgent, await rig.Claim(task, "alice"));
        Assert.Empty((await rig.Task(task)).Holds());

        await rig.Limit(0.01);
        await rig.Talk("bob", 4_000);
        Assert.Equal("budget once 0.01 USD", await Held("bob"));
        await rig.Host.CallAsync("send", new { to = "bob", body = "hello" });
        Assert.Empty(await bob.Receive());
        await rig.Hive.SpawnAs("carol", "duty: worker\n");
        await rig.Hive.Settled();
        Assert.Equal("budget once 0.01 USD", await Until("carol"));
        await rig.Restart();
        Assert.Equal("budget once 0.01 USD", await Held("bob"));

        await rig.Limit(10);
        Assert.Null(await Held("bob"));
        Assert.Equal("budget of alice once 0.10 USD", await Held("alice"));
        await rig.Limit(10, "agent", "alice");
        Assert.Null(await Held("alice"));

        async Task<string?> Held(string name) =>
            (await rig.Hive.State())
                .GetProperty("agents")
                .EnumerateArray()
                .Single(a => a.Text("name") == name)
                .Text("held");

        async Task<string?> Until(string name)
        {
            await Patience.Until(async () => await Held(name) is not null, $"{name} is held");
            return await Held(name);
        }
    }

    [Fact]
    public async Task A_budget_that_cancels_ends_runs_and_turns_and_counts_nothing_against_them()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c", "a"));
        await rig.Limit(0.2, "task_type", "implement_feature", onExceed: "cancel");
        var (first, second) = (await rig.Run(tasks[0], "alice"), await rig.Run(tasks[1], "bob"));
        await rig.Of("bob").CallAsync("controls", new { wait_seconds = 0 });
        await rig.Of("alice").CallAsync("complete_task", new { task = tasks[0], summary = "done" });
        await rig.End("alice", first, 0.3);

        var control = Assert.Single(
            (await rig.Of("bob").CallAsync("controls", new { wait_seconds = 60 }))
                .GetProperty("controls")
                .EnumerateArray()
                .ToArray()
        );
        Assert.Equal(("cancel_turn", second), (control.Text("kind"), control.Number("turn")));
        var row = await rig.Task(tasks[1]);
        Assert.Equal(("pending", 0, 0), (row.Text("status"), row.Number("retry_count"), row.Number("faults")));
        Assert.Equal(["budget"], row.Holds());
        Assert.Equal("cancelled", row.GetProperty("runs")[0].Text("end"));
        await rig.End("bob", second, 0.01, result: "cancelled");
        row = await rig.Task(tasks[1]);
        Assert.Equal(("pending", 0, 0), (row.Text("status"), row.Number("retry_count"), row.Number("faults")));
        Assert.Equal(["budget"], row.Holds());
        Assert.Equal(0, (await rig.Budget()).Usd("reserved_usd"));

        await rig.Limit(1, "task_type", "implement_feature", onExceed: "cancel");
        Assert.Empty((await rig.Task(tasks[1])).Holds());
        Assert.Empty((await rig.Task(tasks[2])).Holds());
        await rig.Complete(tasks[1], "bob", 0.01);
        await Legal(rig);
    }

    [Fact]
    public async Task A_run_of_an_agent_that_a_budget_holds_goes_back_uncounted_when_no_turn_is_left()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Limit(0.2);
        var (first, second) = (await rig.Run(tasks[0], "alice"), await rig.Run(tasks[1], "bob"));
        await rig.Acquire("alice", "repo:shop");
        await rig.End("bob", second, 0.3);
        rig.Pass(500);
        Assert.Equal("running", (await rig.Task(tasks[0])).Text("status"));
        await rig.End("alice", first, 0.01);
        rig.Pass(119);
        Assert.Equal("running", (await rig.Task(tasks[0])).Text("status"));
        rig.Pass(2);
        var row = await rig.Until(tasks[0], "pending");
        Assert.Equal((0, 0), (row.Number("faults"), row.Number("retry_count")));
        var run = row.GetProperty("runs")[0];
        Assert.Equal("lost", run.Text("end"));
        Assert.StartsWith("alice is held (budget ", run.Text("note"), StringComparison.Ordinal);
        Assert.Empty(await rig.Locks());
        // Told once it may go on.
        await rig.Limit(10);
        Assert.Contains(await rig.News("alice"), news => news.Text("event") == "task_cancelled");
    }

    [Fact]
    public async Task A_task_that_a_budget_or_locks_hold_takes_nothing_of_the_other()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice");
        await rig.Acquire("alice", "repo:shop");
        await rig.Worker("bob");
        var ticket = await rig.Ticket();
        await rig.Limit(0.05, "ticket", ticket);
        var task = await rig.Declaring(ticket, "db:main", "repo:shop");
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "bob"));
        Assert.Equal(["budget"], (await rig.Task(task)).Holds());
        Assert.Equal(["alice exclusive granted 1"], await rig.Locks());

        await rig.Limit(1, "ticket", ticket);
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "bob"));
        Assert.Equal(["lock"], (await rig.Task(task)).Holds());
        Assert.Equal(0, (await rig.Budget()).Usd("reserved_usd"));

        // Held by a lock for so long that nobody passes it, and then by the budget: what it waited for is free.
        rig.Pass(700);
        await rig.Limit(0.05, "ticket", ticket);
        await rig.Release("alice", "repo:shop");
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "bob"));
        Assert.Equal(["budget"], (await rig.Task(task)).Holds());
        Assert.True(await rig.Acquire("alice", "db:main"));
        await rig.Release("alice", "db:main");

        await rig.Limit(1, "ticket", ticket);
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(task, "bob"));
        Assert.Equal(2, (await rig.Locks()).Count(row => row == "bob exclusive granted 1"));
        Assert.Equal(CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);
        await Legal(rig);
    }

    [Fact]
    public async Task A_handoff_reserves_for_its_agent_and_is_refused_without_a_budget_for_it()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Limit(0.1);
        var turn = await rig.Run(task, "alice");
        var bob = await rig.Helper("bob");
        var asked = await alice.Offer("bob");
        // The asker's reservation stands until its turn ends.
        var refused = await Talk.Refused(() => bob.Answer(asked, "accept"), "conflict");
        Assert.Contains(
            "bob cannot have task 1 now: budget once 0.10 USD: spent 0.00, reserved 0.054",
            refused.Message
        );
        Assert.Equal("alice", (await rig.Task(task)).Text("agent"));
        await Legal(rig);

        await rig.End("alice", turn, 0.01);
        await bob.Answer(asked, "accept");
        Assert.Equal("bob", (await rig.Task(task)).Text("agent"));
        var budget = await rig.Budget();
        // The run before is known now: its cost and a fifth.
        Assert.Equal((0.01, 0.012), (budget.Usd("spent_usd"), budget.Usd("reserved_usd")));
        await bob.CallAsync("complete_task", new { summary = "done" });
        Assert.Equal(0, (await rig.Budget()).Usd("reserved_usd"));
        await Legal(rig);
    }

    [Theory]
    [InlineData("""{"scope":"global"}""")]
    [InlineData("""{"scope":"global","limit_usd":0}""")]
    [InlineData("""{"scope":"global","limit_usd":-1}""")]
    [InlineData("""{"scope":"global","limit_usd":1e300}""")]
    [InlineData("""{"scope":"global","limit_tokens":0}""")]
    [InlineData("""{"scope":"global","scope_id":"x","limit_usd":1}""")]
    [InlineData("""{"scope":"team","limit_usd":1}""")]
    [InlineData("""{"scope":"ticket","limit_usd":1}""")]
    [InlineData("""{"scope":"ticket","scope_id":"-4","limit_usd":1}""")]
    [InlineData("""{"scope":"phase","scope_id":"PHASE_X","limit_usd":1}""")]
    [InlineData("""{"scope":"global","limit_usd":1,"period":"year"}""")]
    [InlineData("""{"scope":"global","limit_usd":1,"alert_threshold":0}""")]
    [InlineData("""{"scope":"global","limit_usd":1,"alert_threshold":1.5}""")]
    [InlineData("""{"scope":"global","limit_usd":1,"on_exceed":"stop"}""")]
    [InlineData("""{"scope":"agent","scope_id":"nobody","limit_usd":1}""", "not_found")]
    public async Task A_faulty_budget_is_refused(string budget, string code = "invalid")
    {
        var rig = await AllRows.Share(() => TaskRig.Start());
        await Talk.Refused(() => rig.Host.CallAsync("budget_set", JsonElement.Parse(budget)), code);
        Assert.Empty((await rig.Host.CallAsync("budgets")).GetProperty("budgets").EnumerateArray());
    }

    internal static Task Legal(TaskRig rig) => rig.Change(write => LegalRows.CheckCosts(write.Db));

    // A worker to whom the scheduler gives tasks.
    private static async Task Scheduled(TaskRig rig, string name)
    {
        await rig.Hive.SpawnAs(name, "duty: worker\n");
        await rig.Connect(name);
    }

    private static async Task<JsonElement> Given(TaskRig rig, long task, string agent)
    {
        await rig.Give(task, agent);
        return Assert.Single(await rig.Messages(agent));
    }
}
