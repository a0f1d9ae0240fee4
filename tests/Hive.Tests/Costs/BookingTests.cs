using System.Net.Http.Json;
using Hive.Tests.Tasks;

namespace Hive.Tests.Costs;

/// <summary>Turns are booked on the tasks that they worked on, once.</summary>
public sealed class BookingTests
{
    [Fact]
    public async Task A_turn_is_booked_on_its_task_with_the_price_of_its_model()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var task = (await rig.Add(ticket, TaskRig.New("one")))[0];
        var turn = await rig.Run(task, "alice");
        await rig.End("alice", turn, model: CostRig.Priced, input: 1000, output: 200);
        await rig.End("alice", turn, model: CostRig.Priced, input: 1000, output: 200);

        var record = Assert.Single(await rig.Records());
        Assert.Equal(
            (turn, task, ticket, "alice", "table", "anthropic", 1000, 200, 0.01),
            (
                record.Number("turn"),
                record.Number("task"),
                record.Number("ticket"),
                record.Text("agent"),
                record.Text("basis"),
                record.Text("provider"),
                record.Number("prompt_tokens"),
                record.Number("completion_tokens"),
                record.Usd("cost_usd")
            )
        );
        Assert.Equal("software_development/PHASE_BACKLOG", record.Text("phase"));
        Assert.Equal(0.01, (await rig.Task(task)).Usd("cost_usd"));
        foreach (
            var (scope, id) in new (string, object)[]
            {
                ("task", task),
                ("ticket", ticket),
                ("agent", "alice"),
                ("phase", "software_development/PHASE_BACKLOG"),
                ("task_type", "implement_feature"),
            }
        )
        {
            var costs = await rig.Costs(scope, id);
            Assert.Equal((0.01, 1200, 1), (costs.Usd("cost_usd"), costs.Number("tokens"), costs.Number("records")));
        }

        var row = (await rig.Hive.State())
            .GetProperty("agents")
            .EnumerateArray()
            .Single(a => a.Text("name") == "alice");
        Assert.Equal(0.01, row.GetProperty("parts").GetProperty("costs").Usd("today_usd"));
    }

    [Fact]
    public async Task A_turn_over_several_tasks_is_split_in_whole_micro_dollars()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 3\n");
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        foreach (var task in tasks)
            await rig.Give(task, "alice");
        var ids = (await rig.Messages("alice")).Select(m => m.Number("id")).ToArray();
        var turn = await rig.BeginTurn("alice", ids);
        await rig.End("alice", turn, result: "failed", model: CostRig.Priced, input: 2, output: 2);
        var costs = await Costs();
        Assert.Equal([0.00002, 0.00002, 0.00002], costs);

        // Costs 10 millionths; messages of tasks that failed come to nobody, so that this turn has one task alone.
        rig.Pass(60);
        await rig.Until(tasks[0], "pending");
        var again = await rig.Add(await rig.Ticket(), TaskRig.New("d"), TaskRig.New("e"), TaskRig.New("f"));
        foreach (var task in again)
            await rig.Give(task, "alice");
        ids = [.. (await rig.Messages("alice")).Select(m => m.Number("id"))];
        await rig.End("alice", await rig.BeginTurn("alice", ids), model: CostRig.Priced, input: 2);
        Assert.Equal(
            [0.000004, 0.000003, 0.000003],
            (await Task.WhenAll(again.Select(rig.Task))).Select(t => t.Usd("cost_usd"))
        );
        Assert.Equal(0.00007, (await rig.Costs()).Usd("cost_usd"));

        async Task<double[]> Costs() =>
            [.. (await Task.WhenAll(tasks.Select(rig.Task))).Select(t => t.Usd("cost_usd"))];
    }

    [Fact]
    public async Task A_lost_turn_is_uncounted_until_its_figures_come()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Limit(10);
        var turn = await rig.Run(task, "alice");
        await rig.Of("alice").CallAsync("requeue_inflight");
        var costs = await rig.Costs();
        Assert.Equal((0, 1, 1), (costs.Usd("cost_usd"), costs.Number("records"), costs.Number("uncounted")));
        Assert.Equal(CostRig.UsualUsd, (await rig.Budget()).Usd("reserved_usd"), 6);

        await rig.End("alice", turn, model: CostRig.Priced, output: 1000);
        await rig.End("alice", turn, model: CostRig.Priced, output: 1000);
        costs = await rig.Costs("task", task);
        Assert.Equal((0.025, 1, 0), (costs.Usd("cost_usd"), costs.Number("records"), costs.Number("uncounted")));
        Assert.Equal(0.025, (await rig.Budget()).Usd("spent_usd"));
        // The run goes on: only the rest of its estimate is reserved.
        Assert.Equal(CostRig.UsualUsd - 0.025, (await rig.Budget()).Usd("reserved_usd"), 6);
    }

    [Fact]
    public async Task A_turn_without_tasks_is_its_agents_or_that_of_the_tasks_which_it_runs()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Talk("alice", 100);
        var record = Assert.Single(await rig.Records("agent", "alice"));
        Assert.False(record.TryGetProperty("task", out _));

        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        await rig.Talk("alice", 100);
        Assert.Equal(0.0025, (await rig.Costs("task", task)).Usd("cost_usd"));
        await rig.End("alice", turn);
    }

    [Theory]
    [InlineData("of-nobody", 1000, 100, null, 0.0045, "assumed")]
    [InlineData("of-nobody", 1000, 100, 0.5, 0.5, "reported")]
    [InlineData(CostRig.Priced, 1000, 100, 0.5, 0.0075, "table")]
    [InlineData(null, null, null, 0.25, 0.25, "reported")]
    [InlineData(null, null, null, null, 0, "uncounted")]
    public async Task A_model_without_a_price_is_never_free(
        string? model,
        int? input,
        int? output,
        double? reported,
        double cost,
        string basis
    )
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var turn = await rig.Run(await rig.OneTask(), "alice");
        await rig.End("alice", turn, reported, model: model, input: input, output: output);
        var record = Assert.Single(await rig.Records());
        Assert.Equal((cost, basis), (record.Usd("cost_usd"), record.Text("basis")));
    }

    [Fact]
    public async Task Rebooking_prices_bookings_and_budgets_by_the_table_as_it_is_now()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Limit(3.5);
        var task = await rig.OneTask();
        await rig.End("alice", await rig.Run(task, "alice"), model: "of-nobody", input: 1_000_000);
        Assert.Equal(3, (await rig.Budget()).Usd("spent_usd"));

        var since = rig.Hive.Clock.GetUtcNow();
        using var put = await rig
            .Hive.Http()
            .PostAsJsonAsync(
                "/api/prices",
                new
                {
                    models = new[]
                    {
                        new
                        {
                            model = "of-*",
                            input = 1.0,
                            output = 2.0,
                            cache_read = 0.0,
                            cache_creation = 0.0,
                        },
                    },
                }
            );
        put.EnsureSuccessStatusCode();
        var none = await rig.Host.CallAsync("costs_rebook", new { since = since.AddSeconds(1) });
        Assert.Equal(0, none.Number("rebooked"));
        var done = await rig.Host.CallAsync("costs_rebook", new { since });
        Assert.Equal((1, 3, 1), (done.Number("rebooked"), done.Usd("before_usd"), done.Usd("after_usd")));
        Assert.Equal(1, (await rig.Budget()).Usd("spent_usd"));
        Assert.Equal(1, (await rig.Task(task)).Usd("cost_usd"));
        Assert.Equal("table", Assert.Single(await rig.Records()).Text("basis"));

        // The level has fallen, and rises again: that is told once.
        await rig.Talk("alice", 130_000);
        Assert.Equal("warning", (await rig.Budget()).Text("level"));
        Assert.Equal(["budget_warning"], await rig.Told());
    }

    [Fact]
    public async Task The_rest_doors_have_the_names_of_api_v1()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.End("alice", await rig.Run(task, "alice"), model: CostRig.Priced, input: 1000, output: 200);

        var record = Assert.Single(
            (await rig.Get($"/api/v1/costs/records?scope_type=task&scope_id={task}")).EnumerateArray().ToArray()
        );
        Assert.Equal(
            (task, "alice", 1200, 0.005, 0.005, 0.01),
            (
                record.Number("task_id"),
                record.Text("agent_id"),
                record.Number("total_tokens"),
                record.Usd("prompt_cost"),
                record.Usd("completion_cost"),
                record.Usd("total_cost")
            )
        );
        var summary = await rig.Get("/api/v1/costs/summary");
        Assert.Equal(
            ("global", 0.01, 1, "anthropic"),
            (
                summary.Text("scope_type"),
                summary.Usd("total_cost"),
                summary.Number("record_count"),
                summary.GetProperty("breakdown")[0].Text("provider")
            )
        );
        Assert.False(
            (await rig.Get("/api/v1/costs/budgets/check?scope_type=global")).GetProperty("exists").GetBoolean()
        );
        var made = await rig.Post("/api/v1/costs/budgets", new { scope_type = "global", limit_amount = 2.0 });
        Assert.Equal(System.Net.HttpStatusCode.Created, made.Status);
        var budget = Assert.Single((await rig.Get("/api/v1/costs/budgets")).EnumerateArray().ToArray());
        Assert.Equal(
            (2, 0, 2, 0, false),
            (
                budget.Usd("limit_amount"),
                budget.Usd("spent_amount"),
                budget.Usd("remaining_amount"),
                budget.Usd("utilization_percent"),
                budget.GetProperty("alert_triggered").GetBoolean()
            )
        );
        var check = await rig.Get("/api/v1/costs/budgets/check?scope_type=global");
        Assert.Equal((true, 2), (check.GetProperty("exists").GetBoolean(), check.Usd("limit")));
        using var gone = await rig.Hive.Http().DeleteAsync($"/api/v1/costs/budgets/{budget.Number("id")}");
        gone.EnsureSuccessStatusCode();
        Assert.Empty((await rig.Get("/api/v1/costs/budgets")).EnumerateArray());
    }

    [Fact]
    public async Task A_forecast_counts_half_input_and_half_output_and_a_buffer()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var usual = await Forecast(new { pending_task_count = 10 });
        Assert.Equal(
            (10, 0.54, 50_000, 5000, 1.2),
            (
                usual.Number("task_count"),
                usual.Usd("estimated_cost"),
                usual.Number("estimated_tokens"),
                usual.Number("avg_tokens_per_task"),
                usual.Usd("buffer_multiplier")
            )
        );
        var ticket = await rig.Ticket();
        var tasks = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        Assert.Equal(15_000, (await Forecast(new { ticket })).Number("estimated_tokens"));
        var turn = await rig.Run(tasks[0], "alice");
        await rig.Of("alice").CallAsync("complete_task", new { task = tasks[0], summary = "done" });
        await rig.End("alice", turn, model: CostRig.Priced, input: 900, output: 100);
        // The median of the type is known now.
        Assert.Equal(2000, (await Forecast(new { ticket })).Number("estimated_tokens"));
        await rig.Refused(Forecast(new { ticket = 999 }));
        await rig.Refused(Forecast(new { }));
        await rig.Refused(Forecast(new { ticket, pending_task_count = 1 }));

        async Task<System.Text.Json.JsonElement> Forecast(object of) =>
            (await rig.Host.CallAsync("forecast", of)).GetProperty("forecast");
    }
}
