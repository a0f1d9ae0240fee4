using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Storage;
using Hive.Features.Tasks;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Questions;
using Hive.Tests.Tasks;
using Hive.Tests.Tickets;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Waiting;

/// <summary>Work that stands still until the operator decides, as the list, the cards and the counts say it.</summary>
public sealed class ShowWorkTests
{
    [Fact]
    public async Task A_question_stops_the_task_of_its_agent_and_the_tasks_behind_it()
    {
        await using var hive = await HiveFixture.Start();
        var (alice, _, ticket, tasks) = await Begin(hive);
        using var events = await hive.Events();
        Assert.Equal((4, 0, 0), await Work(hive));

        // It is asked before its agent has a task, which it stops as soon as the agent has one.
        var question = await alice.Ask();
        Assert.Null((await hive.Row($"question-{question}")).Tasks);
        await Claim(hive, tasks[0]);
        await hive.Until(events, ticket, $"question-{question}");
        var row = await hive.Row($"question-{question}");
        Assert.Equal([ticket], row.Tickets);
        Assert.Equal([tasks[0]], row.Tasks);
        Assert.Equal((4, 2, 1), await Work(hive));

        await hive.Restart();
        Assert.Equal([tasks[0]], (await hive.Row($"question-{question}")).Tasks);
        Assert.Equal((4, 2, 1), await Work(hive));

        using var again = await hive.Events();
        await (await hive.Operator()).Answer(question);
        await hive.Until(again, ticket, null);
        Assert.Equal((4, 0, 0), await Work(hive));
    }

    [Fact]
    public async Task A_missing_login_stops_the_task_of_its_agent_and_a_block_all_of_its_ticket()
    {
        await using var hive = await HiveFixture.Start();
        var (alice, host, ticket, tasks) = await Begin(hive);
        await Claim(hive, tasks[0]);
        using var events = await hive.Events();
        await alice.CallAsync("report_harness", new { state = "needs_login", since_at = hive.Clock.GetUtcNow() });
        await hive.Until(events, ticket, "login-alice");
        Assert.Equal((4, 2, 1), await Work(hive));

        // A block is about the whole ticket, with the task that waits for nothing.
        await host.Move(ticket, Phase.BlockedId, "waits for a key");
        var row = await hive.Row($"ticket_blocked-{ticket}");
        Assert.Equal([ticket], row.Tickets);
        Assert.Null(row.Tasks);
        Assert.Equal((4, 3, 1), await Work(hive));

        await host.CallAsync("ticket_delete", new { id = ticket });
        Assert.Null((await hive.Row("login-alice")).Tasks);
        Assert.Equal((1, 0, 0), await Work(hive));
    }

    // Two tickets: one task that another one waits for and a third one, and a fourth one alone.
    private static async Task<(LineClient Alice, LineClient Host, long Ticket, long[] Tasks)> Begin(HiveFixture hive)
    {
        await hive.SpawnAs("alice", "duty: worker\nphases: [PHASE_NONE]\n");
        var (alice, host) = (await hive.Connect("alice"), await hive.Board());
        var (ticket, other) = (await host.Create("Log in"), await host.Create("Log out"));
        var tasks = await Add(ticket, TaskRig.New("one"), TaskRig.New("two", "one"), TaskRig.New("three"));
        await Add(other, TaskRig.New("four"));
        return (alice, host, ticket, tasks);

        async Task<long[]> Add(long of, params object[] some) =>
            [
                .. (await host.CallAsync("add_tasks", new { ticket = of, tasks = some }))
                    .GetProperty("tasks")
                    .EnumerateArray()
                    .Select(task => task.Number("id")),
            ];
    }

    private static async Task Claim(HiveFixture hive, long task)
    {
        var claims = hive.Services.GetRequiredService<IClaims>();
        Assert.Equal(
            ClaimResult.Claimed,
            await hive.Services.GetRequiredService<IStore>().Write(write => claims.Claim(write, task, "alice"))
        );
    }

    private static async Task<(int Open, int Stopped, int Tickets)> Work(HiveFixture hive)
    {
        var work = (await hive.Http().GetFromJsonAsync<JsonElement>("/api/v1/work")).GetProperty("work");
        return (Number("open_tasks"), Number("stopped_tasks"), Number("stopped_tickets"));

        int Number(string name) => work.GetProperty(name).GetInt32();
    }
}

/// <summary>Reads cards from events.</summary>
internal static class CardEvents
{
    /// <summary>Waits until a ticket's card says what it needs; the clock moves, since cards are published at most four
    /// times a second.</summary>
    public static async Task Until(this HiveFixture hive, EventReader events, long ticket, string? needs)
    {
        var next = Next();
        await hive.Clock.AdvanceUntil(next, TimeSpan.FromMilliseconds(250));
        await next;

        async Task Next()
        {
            while (true)
            {
                var card = (await events.Next("ticket_changed")).GetProperty("ticket");
                if (card.Number("id") == ticket && TaskJson.Text(card, "needs_you") == needs)
                    return;
            }
        }
    }
}
