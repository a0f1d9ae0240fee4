using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Costs;

/// <summary>Fifty agents at their sockets race against a day's budget, through the scheduler.</summary>
public sealed class BudgetRaceTests
{
    private const int Agents = 50;
    private const int TasksOfAll = 150;
    private const double LimitUsd = 2;

    private const string Workflow = """
        name: race
        phases:
          - id: PHASE_RUN
            name: Run
            status: building
            allowed_transitions: [PHASE_END]
          - id: PHASE_END
            name: End
            status: done
            terminal: true
        board_columns:
          - { id: run, name: Run, phase_mapping: [PHASE_RUN] }
          - { id: end, name: End, phase_mapping: [PHASE_END], terminal: true }
        """;

    [Fact, Sampled]
    public async Task Fifty_agents_stop_at_a_days_budget_and_go_on_when_it_is_raised()
    {
        var watch = new BoundWatch();
        await using var hive = await HiveFixture.StartWith(services => BoundWatch.Register(services, watch));
        using var host = await hive.Operator();
        for (var i = 0; i < Agents; i++)
            await hive.SpawnAs($"w{i}", "duty: worker\n");
        await host.CallAsync("workflow_load", new { text = Workflow });
        await host.CallAsync(
            "budget_set",
            new
            {
                scope = "global",
                limit_usd = LimitUsd,
                period = "day",
            }
        );
        using var over = new CancellationTokenSource();
        var lines = new List<LineClient>();
        for (var i = 0; i < Agents; i++)
            lines.Add(await hive.Connect($"w{i}"));
        var agents = lines.Select((line, i) => Work(line, i, () => over.IsCancellationRequested)).ToArray();
        var ticket = (await host.CallAsync("ticket_create", new { title = "Race", workflow = "race" }))
            .GetProperty("ticket")
            .Number("id");
        foreach (var some in Enumerable.Range(0, TasksOfAll).Chunk(50))
            await host.CallAsync("add_tasks", new { ticket, tasks = some.Select(i => TaskRig.New($"t{i}")) });

        // Nothing runs any more, and tasks are left that the budget holds. While less than a warning is spent, there
        // is room for one of them.
        var stopped = await Until(
            host,
            agents,
            (budget, tasks) =>
                tasks.Any(t => t.Holds().Contains("budget"))
                && tasks.All(t => t.Text("status") is "pending" or "completed")
                && budget.Usd("reserved_usd") == 0
                && budget.Text("level") != "ok"
        );
        Assert.Null(watch.Fault);
        Assert.True(watch.Refused > 0);
        Assert.Contains(stopped.Tasks, t => t.Text("status") == "completed");
        var waits = (await hive.State()).GetProperty("waiting").EnumerateArray();
        Assert.Equal(stopped.Budget.Text("level") == "exceeded", waits.Any(w => w.Text("kind") == "budget_exceeded"));

        await host.CallAsync(
            "budget_set",
            new
            {
                scope = "global",
                limit_usd = 100,
                period = "day",
            }
        );
        Func<JsonElement, JsonElement[], bool> isDone = (budget, tasks) =>
            tasks.All(t => t.Text("status") == "completed") && budget.Usd("reserved_usd") == 0;
        await Until(host, agents, isDone);
        // The tasks were read before the last turns were booked.
        var done = await Until(host, agents, isDone);
        Assert.Null(watch.Fault);
        Assert.Equal(TasksOfAll, watch.Claimed);
        Assert.Equal(done.Tasks.Sum(t => t.Usd("cost_usd")), done.Budget.Usd("spent_usd"), 6);
        await over.CancelAsync();
        lines.ForEach(line => line.Dispose());
        await Task.WhenAll(agents);
    }

    // Does what it is given until the host has gone; a turn costs 20,000 to 89,000 millionths.
    private static async Task Work(LineClient line, int part, Func<bool> isOver)
    {
        var random = Ring.Random(part);
        try
        {
            while (!isOver())
            {
                foreach (var message in await line.Receive(max: 1, wait: 60))
                {
                    var turn = (
                        await line.CallAsync("begin_turn", new { ids = new[] { message.Id }, wake_from = "system" })
                    ).Number("turn");
                    var body = JsonElement.Parse(message.Body);
                    if (body.Text("event") == "task_assigned")
                        await line.CallAsync("complete_task", new { task = body.Number("id"), summary = "done" });
                    await line.CallAsync(
                        "end_turn",
                        new
                        {
                            turn,
                            result = "ok",
                            cost_usd = random.Next(20, 90) / 1000.0,
                        }
                    );
                }
            }
        }
        catch (HiveException e) when (e.Code == "conflict" && !isOver())
        {
            // Held between receiving and beginning: the message waits, and it is asked again.
            await Work(line, part + Agents, isOver);
        }
        catch (Exception e) when (isOver() && e is not Xunit.Sdk.XunitException)
        {
            // The test is over.
        }
    }

    private static async Task<(JsonElement Budget, JsonElement[] Tasks)> Until(
        LineClient host,
        Task[] agents,
        Func<JsonElement, JsonElement[], bool> isSo
    )
    {
        var (budget, tasks) = (default(JsonElement), Array.Empty<JsonElement>());
        await Patience.Until(
            async () =>
            {
                foreach (var failed in agents.Where(a => a.IsFaulted))
                    await failed;
                tasks = [.. (await host.CallAsync("tasks", new { limit = 200 })).GetProperty("tasks").EnumerateArray()];
                budget = (await host.CallAsync("budgets")).GetProperty("budgets")[0];
                return isSo(budget, tasks);
            },
            () => $"the race has come to rest; budget {budget}, tasks {string.Join('\n', tasks)}"
        );
        return (budget, tasks);
    }
}
