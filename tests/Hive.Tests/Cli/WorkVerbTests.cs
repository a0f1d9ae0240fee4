using Hive.Common.Storage;
using Hive.Features.Tasks;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Hive.Tests.Tasks;
using Hive.Tests.Tickets;
using Microsoft.Extensions.DependencyInjection;
using static Hive.Tests.Cli.Outcomes;

namespace Hive.Tests.Cli;

/// <summary>The verbs with which the operator does what else only agents and the page can do.</summary>
public sealed class WorkVerbTests
{
    [Fact]
    public async Task The_operator_holds_work_adds_evidence_and_discoveries_and_gives_duties()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("bob");
        using var host = await hive.Operator();
        var ticket = (await host.CallAsync("ticket_create", new { title = "Round prices" }))
            .GetProperty("ticket")
            .GetProperty("id")
            .GetInt64();
        var made = await host.CallAsync(
            "add_tasks",
            new { ticket, tasks = new[] { new { task_type = "ask", title = "Ask a lawyer" } } }
        );
        var task = made.GetProperty("tasks")[0].GetProperty("id").GetInt64();

        Ok(await Run($"ticket hold {ticket} --reason later"), $"ticket {ticket} is held");
        Assert.Contains("held", Ok(await Run("ticket list")).Output, StringComparison.Ordinal);
        Assert.Equal(1, (await Run($"ticket hold {ticket}")).ExitCode);
        Ok(await Run($"ticket release {ticket}"), $"ticket {ticket} is released");
        Ok(await Run($"task hold {task} --reason later"), $"task {task} is held");
        Ok(await Run($"task release {task}"), $"task {task} is released");
        Ok(await Run($"task timeout {task} 90"), $"task {task} may run for 90 seconds");

        Ok(
            await Run("duty set @bob --duty worker --capability law --capacity 2"),
            "bob is a worker for 2 at once, able to do law"
        );
        Assert.Matches("bob +worker .* 0/2 +law +all", Ok(await Run("duty list")).Output);
        Ok(await Run($"task assign {task} bob"), $"task {task} is for bob alone");
        Ok(await Run("duty set bob --clear duty"), "bob takes no tasks");
        Ok(await Run($"task assign {task}"), $"task {task} is for any agent");

        Ok(await Run($"discovery add {task} bug It fails --task-title Fix"), "discovery 1 is recorded, and task ");
        Assert.Matches($"1 +{ticket} +{task} +bug .* operator .* It fails", Ok(await Run("discovery list")).Output);
        Ok(await Run("discovery resolve 1"), "discovery 1 is resolved");
        Assert.Contains("'type' can be", (await Run($"discovery add {task} odd It")).Error, StringComparison.Ordinal);

        Ok(await Run($"artifact list {ticket}"), $"Ticket {ticket} has no artifacts.");
        Ok(await Run($"artifact add {ticket} note --content {{\"a\":1}}"), "artifact 1 is added");
        Assert.Matches("1 +note +operator ", Ok(await Run($"artifact list {ticket}")).Output);
        Ok(await Run("artifact show 1"), "{\"a\":1}");
        var refused = await Run($"artifact add {ticket} note --content {{");
        Assert.Equal(2, refused.ExitCode);
        Assert.Contains("--content is not JSON", refused.Error, StringComparison.Ordinal);
        Ok(await Run("handoff list"), "No handoffs.");

        Task<Outcome> Run(string line) => Built.HiveAsync([.. line.Split(' '), "--run-dir", hive.RunDir]);
    }

    [Fact]
    public async Task Status_shows_duties_and_that_a_budget_holds_an_agent()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("bob", "duty: worker\ncapabilities: [law, tax]\n");
        using var host = await hive.Operator();
        using var bob = await hive.Connect("bob");
        await host.CallAsync(
            "budget_set",
            new
            {
                scope = "agent",
                scope_id = "bob",
                limit_usd = 1,
            }
        );
        await host.CallAsync("send", new { to = "bob", body = "hello" });
        var ids = (await bob.Receive(max: 1, wait: 30)).Select(m => m.Id).ToArray();
        var turn = (await bob.CallAsync("begin_turn", new { ids, wake_from = "operator" })).GetProperty("turn");
        await bob.CallAsync(
            "end_turn",
            new
            {
                turn,
                result = "ok",
                cost_usd = 2,
            }
        );

        var shown = await Patience.Last(
            async () => Ok(await Built.HiveAsync(["status", "bob", "--run-dir", hive.RunDir])).Output,
            output => output.Contains("held", StringComparison.Ordinal)
        );
        Assert.Matches("bob +held .* worker .* budget", shown);
        Assert.Contains("bob is able to do law, tax.", shown, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Board_ticket_and_status_say_what_waits_for_the_operator()
    {
        await using var hive = await HiveFixture.Start();
        await hive.SpawnAs("alice", "duty: worker\nphases: [PHASE_NONE]\n");
        using var host = await hive.Operator();
        using var alice = await hive.Connect("alice");
        var ticket = await host.Create("Round prices");
        var made = await host.CallAsync("add_tasks", new { ticket, tasks = new[] { TaskRig.New("Ask") } });
        var task = made.GetProperty("tasks")[0].Number("id");
        Assert.DoesNotContain("waits for you", (await Run("board")).Output, StringComparison.Ordinal);
        Assert.DoesNotContain("wait for you", (await Run("status")).Output, StringComparison.Ordinal);

        var claims = hive.Services.GetRequiredService<IClaims>();
        await hive.Services.GetRequiredService<IStore>().Write(write => claims.Claim(write, task, "alice"));
        var question = await alice.Ask("half up?");
        var board = Ok(await Run("board")).Output;
        Assert.Contains($"waits for you: {ticket}; hive next", board, StringComparison.Ordinal);
        Assert.Contains($"waits for you: question-{question}", board, StringComparison.Ordinal);
        Assert.Contains($"waits for you: question-{question}", Ok(await Run("ticket list")).Output);
        Assert.Contains($"waits for you: question-{question}", Ok(await Run($"ticket show {ticket}")).Output);
        var status = Ok(await Run("status")).Output;
        Assert.Contains("These wait for you; decide with: hive next", status, StringComparison.Ordinal);
        Assert.Matches($"question-{question} +alice +{task} +{ticket} .* half up\\?", status);

        Task<Outcome> Run(string line) => Built.HiveAsync([.. line.Split(' '), "--run-dir", hive.RunDir]);
    }
}
