using System.Text.Json;
using Hive.Features.Tasks;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Tasks;

namespace Hive.Tests.Locks;

/// <summary>Locks that tasks declare, taken with the claim.</summary>
public sealed class DeclaredLocksTests
{
    private const string Workflow = """
        name: locked
        phases:
          - id: PHASE_BUILD
            name: Build
            status: building
            tasks:
              - type: build
                title: Build
                locks: ["repo:{ticket_repository}"]
            allowed_transitions: [PHASE_DONE]
          - id: PHASE_DONE
            name: Done
            status: done
            terminal: true
        board_columns:
          - { id: build, name: Build, phase_mapping: [PHASE_BUILD] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    [Fact]
    public async Task A_task_is_given_with_all_its_locks_or_held_with_the_reason()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Worker("bob");
        var ticket = await rig.Ticket();
        var first = await rig.Declaring(ticket, "repo:shop", "db:main", "repo:shop");
        var second = await rig.Declaring(ticket, "env:test", "db:main");
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(first, "alice"));
        Assert.Equal(ClaimResult.Held, await rig.Claim(second, "bob"));
        Assert.Equal(["alice exclusive granted 1", "alice exclusive granted 1"], await rig.Locks());
        Assert.Equal($"waits for db:main, which task {first} (alice) holds", await rig.LockHold(second));
        Assert.Equal(ClaimResult.NotReady, await rig.Claim(second, "bob"));
        var brief = Assert.Single(await rig.News("alice"));
        Assert.Equal(3, brief.GetProperty("locks").GetArrayLength());
        await rig.Of("alice").CallAsync("complete_task", new { summary = "done" });
        Assert.Empty((await rig.Task(second)).Holds());
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(second, "bob"));
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks("env:test"));
    }

    [Fact]
    public async Task The_scheduler_gives_a_task_as_soon_as_its_lock_is_free()
    {
        await using var rig = await TaskRig.Start();
        foreach (var name in new[] { "alice", "bob" })
        {
            await rig.Hive.SpawnAs(name, "duty: worker\n");
            await rig.Connect(name);
        }

        var ticket = await rig.Ticket();
        var first = await rig.Declaring(ticket, "repo:shop");
        var has = (await rig.Until(first, "assigned")).Text("agent")!;
        var second = await rig.Declaring(ticket, "repo:shop");
        await rig.Until(second, row => row.Holds().Contains("lock"));
        await rig.Of(has).CallAsync("complete_task", new { summary = "done" });
        var freed = await rig.Until(second, "assigned");
        Assert.Empty(freed.Holds());
        Assert.Single(await rig.Locks());
    }

    [Fact]
    public async Task A_free_task_is_held_until_all_of_its_resources_are_free()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        await rig.Acquire("bob", "db:main", "shared");
        var task = await rig.Declaring(await rig.Ticket(), "repo:shop", "db:main");
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "carol"));
        await rig.Release("alice", "repo:shop");
        Assert.Equal($"waits for db:main, which task {tasks[1]} (bob) holds", await rig.LockHold(task));
        await rig.Release("bob", "db:main");
        Assert.Empty((await rig.Task(task)).Holds());
    }

    [Fact]
    public async Task A_released_lock_frees_one_task_and_others_only_when_nobody_takes_that()
    {
        await using var rig = await TaskRig.Start();
        var running = await rig.Running("alice");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var tasks = new long[5];
        for (var i = 0; i < tasks.Length; i++)
            tasks[i] = await rig.Declaring(await rig.Ticket(), "repo:shop");
        await rig.Host.CallAsync(
            "change_task",
            new
            {
                id = tasks[2],
                action = "priority",
                priority = "CRITICAL",
            }
        );
        foreach (var task in tasks)
            Assert.Equal(ClaimResult.Held, await rig.Claim(task, "carol"));
        using var events = await rig.Hive.Events();
        await rig.Release("alice", "repo:shop");
        await rig.Host.CallAsync("change_task", new { id = running[0], action = "cancel" });
        // The one that is most urgent, and nothing is written of the others.
        Assert.Equal(tasks[2], await Changed());
        Assert.Equal(running[0], await Changed());
        Assert.Equal("held held free held held", await Held());
        Assert.Equal("waits for repo:shop, which another task gets first", await rig.LockHold(tasks[0]));

        // The next ones are freed while nobody takes it, and at once when it ends.
        rig.Pass(1);
        await Patience.Until(async () => await Held() == "free free free held held", "two more are freed");
        foreach (var task in tasks[..3])
            await rig.Host.CallAsync("change_task", new { id = task, action = "cancel" });
        Assert.EndsWith("free free", await Held(), StringComparison.Ordinal);
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(tasks[4], "carol"));
        Assert.Equal(ClaimResult.Held, await rig.Claim(tasks[3], "carol"));
        Assert.Equal($"waits for repo:shop, which task {tasks[4]} (carol) holds", await rig.LockHold(tasks[3]));

        async Task<long> Changed() => (await events.Next("task_changed")).GetProperty("task").Number("id");

        async Task<string> Held()
        {
            List<string> all = [];
            foreach (var task in tasks)
                all.Add((await rig.Task(task)).Holds().Length == 0 ? "free" : "held");
            return string.Join(' ', all);
        }
    }

    [Fact]
    public async Task A_freed_task_that_lacks_another_lock_by_then_lets_the_next_one_go()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice", "bob");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var first = await rig.Declaring(await rig.Ticket(), "repo:shop", "db:main");
        var second = await rig.Declaring(await rig.Ticket(), "repo:shop");
        foreach (var task in new[] { first, second })
            Assert.Equal(ClaimResult.Held, await rig.Claim(task, "carol"));
        await rig.Release("alice", "repo:shop");
        Assert.Equal(["lock"], (await rig.Task(second)).Holds());
        await rig.Acquire("bob", "db:main");
        Assert.Equal(ClaimResult.Held, await rig.Claim(first, "carol"));
        Assert.Empty((await rig.Task(second)).Holds());
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(second, "carol"));
        await rig.Release("bob", "db:main");
        Assert.Equal($"waits for repo:shop, which task {second} (carol) holds", await rig.LockHold(first));
        await rig.Of("carol").CallAsync("complete_task", new { summary = "done" });
        Assert.Empty((await rig.Task(first)).Holds());
    }

    [Fact]
    public async Task A_task_held_for_ten_minutes_reserves_its_resources()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var held = await rig.Declaring(await rig.Ticket(), "repo:shop", "db:main");
        Assert.Equal(ClaimResult.Held, await rig.Claim(held, "carol"));
        rig.Pass(599);
        Assert.True(await rig.Acquire("bob", "db:main"));
        await rig.Release("bob", "db:main");
        rig.Pass(1);
        var refused = await rig.Lock("bob", "db:main");
        Assert.Equal(
            $"waits for db:main, which is reserved for task {held}, held for over 10 minutes",
            refused.Text("reason")
        );
        // The one that the held task waits for cannot wait for it.
        var cycle = await rig.Refused(rig.Queue("alice", "db:main"));
        Assert.Contains($"which task {held} has reserved", cycle.Message, StringComparison.Ordinal);
        var later = await rig.Declaring(await rig.Ticket(), "db:main");
        await rig.Release("alice", "repo:shop");
        Assert.Equal(ClaimResult.Held, await rig.Claim(later, "carol"));
        Assert.Equal(1, await rig.Queue("bob", "repo:shop") - 1);
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(held, "carol"));
        Assert.Equal(tasks.Length + 1, (await rig.Locks()).Length);
    }

    [Fact]
    public async Task A_reservation_that_nobody_uses_ends_after_a_minute()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice", "bob");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var held = await rig.Declaring(await rig.Ticket(), "repo:shop");
        await rig.Claim(held, "carol");
        rig.Pass(600);
        Assert.Equal(2, await rig.Queue("bob", "repo:shop"));
        await rig.Release("alice", "repo:shop");
        Assert.Equal(["bob exclusive waiting 0"], await rig.Locks());
        rig.Pass(60);
        await rig.UntilLocks("bob exclusive granted 1");
    }

    [Fact]
    public async Task The_time_of_a_freed_task_that_nobody_takes_begins_again_also_after_a_restart()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var held = await rig.Declaring(await rig.Ticket(), "repo:shop", "db:main");
        await rig.Claim(held, "carol");
        var since = await HeldAt();
        rig.Pass(590);
        await rig.Release("alice", "repo:shop");
        await rig.Restart(() => rig.Hive.Clock.Advance(TimeSpan.FromSeconds(5)));
        await rig.Connect("alice");
        Assert.Equal(since, await HeldAt());
        rig.Pass(60);
        await Patience.Until(async () => await HeldAt() is null, "the time of the freed task has ended");
        await rig.Acquire("alice", "repo:shop");
        Assert.Equal(ClaimResult.Held, await rig.Claim(held, "carol"));
        rig.Pass(590);
        await rig.Restart();
        await rig.Connect("alice");
        Assert.True(await rig.Acquire("alice", "db:main"));
        await rig.Release("alice", "db:main");
        rig.Pass(10);
        Assert.False(await rig.Acquire("alice", "db:main"));

        Task<long?> HeldAt() => rig.Read<long?>("SELECT lock_held_at FROM tasks WHERE id = @held", new { held });
    }

    [Fact]
    public async Task A_held_task_that_is_cancelled_reserves_nothing_any_more()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice", "bob");
        await rig.Worker("carol");
        await rig.Acquire("alice", "repo:shop");
        var held = await rig.Declaring(await rig.Ticket(), "repo:shop", "db:main");
        await rig.Claim(held, "carol");
        rig.Pass(600);
        Assert.Equal(2, await rig.Queue("bob", "db:main"));
        await rig.Host.CallAsync("change_task", new { id = held, action = "cancel" });
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks("db:main"));
    }

    [Fact]
    public async Task Locks_of_tasks_are_checked_when_they_are_made()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var wrong = await rig.Refused(rig.Declaring(ticket, "shop"));
        Assert.Equal("invalid", wrong.Code);
        Assert.Contains("'locks[0]' must be '<type>:<id>'", wrong.Message, StringComparison.Ordinal);
        var many = await rig.Refused(rig.Declaring(ticket, [.. Enumerable.Range(0, 21).Select(i => $"a:{i}")]));
        Assert.Contains("the limit is 20", many.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_empty_placeholder_in_a_lock_is_refused_when_the_task_is_made()
    {
        await using var hive = await Fixture.HiveFixture.Start();
        using var host = await hive.Operator();
        var loaded = await host.CallAsync("workflow_load", new { text = Workflow });
        Assert.DoesNotContain(
            loaded.GetProperty("warnings").EnumerateArray(),
            w => w.Text("text")!.Contains("lock", StringComparison.Ordinal)
        );
        var refused = await Assert.ThrowsAsync<Hive.Protocol.HiveException>(() =>
            host.CallAsync("ticket_create", new { title = "Login", workflow = "locked" })
        );
        Assert.Equal("conflict", refused.Code);
        Assert.Contains(
            "locks 'repo:{ticket_repository}', and ticket 1 has no repository",
            refused.Message,
            StringComparison.Ordinal
        );
        Assert.Equal(0, (await host.CallAsync("tickets")).GetProperty("tickets").GetArrayLength());
        var made = await host.CallAsync(
            "ticket_create",
            new
            {
                title = "Login",
                workflow = "locked",
                repository = "forge:agents/shop",
            }
        );
        var ticket = made.GetProperty("ticket").Number("id");
        var task = (await host.CallAsync("tasks", new { ticket })).GetProperty("tasks")[0].Number("id");
        var whole = (await host.CallAsync("task", new { id = task })).GetProperty("task");
        Assert.Equal("repo:forge:agents/shop", whole.GetProperty("locks")[0].GetString());
    }

    [Fact]
    public async Task A_task_locks_the_repository_that_its_ticket_has_now()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice");
        await rig.Acquire("alice", "repo:forge:agents/shop");
        await rig.Worker("bob");
        await rig.Host.CallAsync("workflow_load", new { text = Workflow });
        var made = await rig.Host.CallAsync(
            "ticket_create",
            new
            {
                title = "Login",
                workflow = "locked",
                repository = "forge:agents/shop",
            }
        );
        var ticket = made.GetProperty("ticket").Number("id");
        var task = (await rig.Host.CallAsync("tasks", new { ticket })).GetProperty("tasks")[0].Number("id");
        Assert.Equal(ClaimResult.Held, await rig.Claim(task, "bob"));

        await Change("forge:agents/till");
        Assert.Empty((await rig.Task(task)).Holds());
        Assert.Equal(ClaimResult.Claimed, await rig.Claim(task, "bob"));
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks("repo:forge:agents/till"));

        var refused = await Assert.ThrowsAsync<Hive.Protocol.HiveException>(() => Change("forge:agents/shop"));
        Assert.Equal(
            (
                "conflict",
                $"task {task} of ticket {ticket} is assigned and has the locks of the repository before; wait "
                    + "until it has ended, or cancel it first"
            ),
            (refused.Code, refused.Message)
        );
        var still = (await rig.Host.CallAsync("ticket", new { id = ticket })).GetProperty("ticket");
        Assert.Equal("forge:agents/till", still.Text("repository"));

        Task Change(string repository) => rig.Host.CallAsync("ticket_change", new { id = ticket, repository });
    }

    [Fact]
    public async Task A_ticket_that_moves_by_itself_into_an_empty_placeholder_is_blocked()
    {
        await using var hive = await Fixture.HiveFixture.Start();
        using var host = await hive.Operator();
        var begin = """
            name: locked
            phases:
              - id: PHASE_BEGIN
                name: Begin
                status: analyzing
                allowed_transitions: [PHASE_BUILD]
                next: PHASE_BUILD
                gate:
                  criteria:
                    - operator: Begin?
            """;
        var text = Workflow
            .Replace("name: locked\nphases:", begin, StringComparison.Ordinal)
            .Replace(
                "board_columns:",
                "board_columns:\n  - { id: begin, name: Begin, phase_mapping: [PHASE_BEGIN] }",
                StringComparison.Ordinal
            );
        await host.CallAsync("workflow_load", new { text });
        using var events = await hive.Events();
        await host.CallAsync("ticket_create", new { title = "Login", workflow = "locked" });
        var review = (await events.Next("review_changed")).GetProperty("review").Number("id");
        await host.CallAsync("review_decide", new { id = review, verdict = "passed" });
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        JsonElement ticket;
        while (
            (ticket = (await host.CallAsync("ticket", new { id = 1 })).GetProperty("ticket")).Text("phase_id")
            != "PHASE_BUILD"
        )
            Assert.False(patience.IsCancellationRequested, $"the ticket stays {ticket}");
        Assert.Equal(("PHASE_BUILD", "waiting_on_clarification"), (ticket.Text("phase_id"), ticket.Text("blocked")));
        Assert.Contains("has no repository", ticket.Text("blocked_reason"), StringComparison.Ordinal);
        await host.CallAsync("ticket_change", new { id = 1, unblock = true });
        ticket = (await host.CallAsync("ticket", new { id = 1 })).GetProperty("ticket");
        Assert.Equal("waiting_on_clarification", ticket.Text("blocked"));
        await host.CallAsync(
            "workflow_load",
            new { text = text.Replace("{ticket_repository}", "shop", StringComparison.Ordinal), replace = true }
        );
        await host.CallAsync("ticket_change", new { id = 1, unblock = true });
        var task = (await host.CallAsync("tasks", new { ticket = 1 })).GetProperty("tasks")[0].Number("id");
        var whole = (await host.CallAsync("task", new { id = task })).GetProperty("task");
        Assert.Equal("repo:shop", whole.GetProperty("locks")[0].GetString());
    }
}
