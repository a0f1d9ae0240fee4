using Dapper;
using Hive.Common.Errors;
using Hive.Common.Storage;
using Hive.Features.Agents;
using Hive.Features.Agents.Contracts;
using Hive.Features.Tasks;
using Hive.Features.Workflows.Contracts;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Tasks;

/// <summary>The scheduler's loop, and its memory beside the database.</summary>
public sealed class DispatcherTests
{
    [Fact]
    public async Task A_task_goes_to_an_agent_as_soon_as_it_can_work()
    {
        await using var rig = new DispatcherRig();
        await rig.Add("ann");
        await rig.Put(SchedulerRig.Task(1, rig.Now), SchedulerRig.Task(2, rig.Now, priority: 4));
        await rig.Dispatcher.StartAsync(CancellationToken.None);

        rig.Set("ann", ActivityState.Idle);

        Assert.Equal((2, "ann"), await rig.Tasks.Claimed());
        await rig.Put(SchedulerRig.Task(2, rig.Now) with { ReadyAt = null });
        Assert.Equal((1, "ann"), await rig.Tasks.Claimed());
    }

    [Fact]
    public async Task The_stored_tasks_are_in_the_queue_after_a_start()
    {
        await using var rig = new DispatcherRig();
        await rig.Add("ann");
        rig.Set("ann", ActivityState.Idle);
        await rig.Store.Write(write =>
            write.Db.Execute("INSERT INTO tasks (id, ready_at, agent) VALUES (1, 5, NULL), (2, NULL, 'bob')")
        );

        await rig.Dispatcher.StartAsync(CancellationToken.None);

        Assert.Equal((1, "ann"), await rig.Tasks.Claimed());
        Assert.Equal([2], rig.Ready.TasksOf("bob"));
    }

    [Fact]
    public async Task One_write_gives_at_most_sixty_four_tasks()
    {
        await using var rig = new DispatcherRig();
        for (var n = 0; n < 5; n++)
        {
            rig.Set($"agent-{n}", ActivityState.Idle);
            await rig.Add($"agent-{n}", AgentWork.MaxCapacity);
        }

        await rig.Put([.. Enumerable.Range(1, 100).Select(id => SchedulerRig.Task(id, rig.Now))]);

        var first = await rig.Dispatcher.Assign(CancellationToken.None);
        var second = await rig.Dispatcher.Assign(CancellationToken.None);

        Assert.Equal(Enumerable.Range(1, 64).Select(id => (long)id), first.Select(given => given.Task));
        Assert.Equal(16, second.Count);
        Assert.Equal(20, rig.Ready.First(100).Count);
        Assert.All(Enumerable.Range(0, 5), n => Assert.Equal(16, rig.Ready.TasksOf($"agent-{n}").Count));
    }

    [Fact]
    public async Task An_agent_that_was_paused_a_moment_ago_gets_nothing()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        await rig.Put(SchedulerRig.Task(1, rig.Now));
        var paused = rig.Store.Write(write => rig.Roster.Change(write, "ann", a => a with { Paused = true }));

        Assert.Empty(await rig.Dispatcher.Assign(CancellationToken.None));
        await paused;
        await rig.Store.Write(write => rig.Roster.Change(write, "ann", a => a with { Paused = false }));
        rig.Watch.HasChanged("ann");
        Assert.Equal([(1, "ann")], await rig.Dispatcher.Assign(CancellationToken.None));
    }

    [Theory]
    [InlineData(ActivityState.RateLimited)]
    [InlineData(ActivityState.NeedsLogin)]
    [InlineData(ActivityState.NotConnected)]
    [InlineData(ActivityState.Starting)]
    public async Task An_agent_that_cannot_begin_a_turn_gets_nothing(string activity)
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", activity);
        await rig.Add("ann");
        await rig.Put(SchedulerRig.Task(1, rig.Now));

        Assert.Empty(await rig.Dispatcher.Assign(CancellationToken.None));
    }

    [Fact]
    public async Task A_queue_that_differs_from_the_database_is_rebuilt_from_it()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann", capacity: 4);
        await rig.Put(SchedulerRig.Task(1, rig.Now), SchedulerRig.Task(2, rig.Now));
        await rig.Store.Write(write =>
            write.Db.Execute("UPDATE tasks SET ready_at = NULL, agent = 'bob' WHERE id = 1")
        );

        Assert.Empty(await rig.Dispatcher.Assign(CancellationToken.None));

        Assert.Contains(
            "task 1 was in the queue and is not ready",
            await rig.Log.Next("task 1"),
            StringComparison.Ordinal
        );
        Assert.Equal([1], rig.Ready.TasksOf("bob"));
        Assert.Equal([(2, "ann")], await rig.Dispatcher.Assign(CancellationToken.None));
    }

    [Fact]
    public async Task A_task_that_cannot_be_given_holds_nobody_up_and_is_tried_again()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann", capacity: 4);
        rig.Tasks.Broken.Add(1);
        await rig.Put(SchedulerRig.Task(1, rig.Now), SchedulerRig.Task(2, rig.Now));
        var start = rig.Clock.GetUtcNow();
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        await rig.Clock.Set(start.AddSeconds(1));

        rig.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((2, "ann"), await rig.Tasks.Claimed());
        rig.Tasks.Broken.Clear();
        await rig.Clock.Set(start.AddSeconds(60));
        rig.Clock.Advance(TimeSpan.FromSeconds(59));
        Assert.Equal((1, "ann"), await rig.Tasks.Claimed());
    }

    [Fact]
    public async Task A_hold_that_cannot_be_ended_holds_nobody_up()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        rig.Tasks.Broken.Add(1);
        var start = rig.Clock.GetUtcNow();
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        await rig.Put(HeldFor("bob", 1, rig.Now), SchedulerRig.Task(2, rig.Now));
        await rig.Clock.Set(start.AddSeconds(1));

        rig.Clock.Advance(TimeSpan.FromSeconds(1));

        Assert.Equal((2, "ann"), await rig.Tasks.Claimed());
    }

    [Fact]
    public async Task A_hold_that_no_row_has_is_forgotten()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        await rig.Put(HeldFor("bob", 1, rig.Now), SchedulerRig.Task(2, rig.Now));

        Assert.Empty(await rig.Dispatcher.Assign(CancellationToken.None));

        Assert.Contains(
            "task 1 was in the queue and is not held",
            await rig.Log.Next("task 1"),
            StringComparison.Ordinal
        );
        Assert.Equal([(2, "ann")], await rig.Dispatcher.Assign(CancellationToken.None));
    }

    [Fact]
    public async Task An_agent_that_was_passed_over_gets_the_task_once_it_has_enough_left()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        rig.Tasks.Short.Add("ann");
        await rig.Put(SchedulerRig.Task(1, rig.Now));

        Assert.Equal([(1, "ann")], await rig.Dispatcher.Assign(CancellationToken.None));
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public async Task A_write_that_fails_leaves_the_queue_as_before(bool atTheCommit)
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        rig.Set("bob", ActivityState.Idle);
        await rig.Add("ann", capacity: 2);
        await rig.Add("bob", capacity: 2);
        await rig.Put([.. Enumerable.Range(1, 4).Select(id => SchedulerRig.Task(id, rig.Now, priority: id))]);
        Assert.Equal(2, (await rig.Dispatcher.Assign(CancellationToken.None)).Count(given => given.Task > 2));
        await rig.Put([.. Enumerable.Range(5, 4).Select(id => SchedulerRig.Task(id, rig.Now, priority: id - 4))]);
        var before = Seen(rig);

        var failing = rig.Store.Write(write =>
        {
            rig.Tasks.Put(write, SchedulerRig.Task(5, rig.Now, priority: 4));
            rig.Tasks.Put(write, SchedulerRig.Task(8, rig.Now).GivenTo("bob"));
            rig.Tasks.Put(write, SchedulerRig.Task(3, rig.Now) with { ReadyAt = rig.Now });
            rig.Tasks.Put(write, SchedulerRig.Task(9, rig.Now) with { Capabilities = ["cobol"] });
            rig.Ready.Remove(write, 6);
            rig.Ready.Remove(write, 4);
            Assert.NotEqual(before, Seen(rig));
            if (!atTheCommit)
                throw Problem.Conflict("no");
            write.Db.Execute("INSERT INTO loose (parent) VALUES (1234)");
        });

        await Assert.ThrowsAsync<Problem>(() => failing);
        Assert.Equal(before, Seen(rig));
    }

    [Fact]
    public async Task A_changed_condition_is_noted_with_its_reason_and_task()
    {
        await using var rig = new DispatcherRig();
        await rig.Add("ann");
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        await Rows(rig, until: "not known");
        await rig.Put(SchedulerRig.Task(7, rig.Now));
        rig.Set("ann", ActivityState.Idle);
        await rig.Tasks.Claimed();
        await Rows(rig, until: "has a task");
        rig.Set("ann", ActivityState.RateLimited);

        var rows = await Rows(rig, until: ActivityState.RateLimited);

        Assert.Equal(
            [
                (null, "terminated", null),
                ("terminated", "idle", null),
                ("idle", "running", 7L),
                ("running", "degraded", 7L),
            ],
            rows
        );
    }

    [Fact]
    public async Task Without_a_task_to_give_the_scheduler_writes_nothing()
    {
        await using var rig = new DispatcherRig();
        await rig.Add("ann");
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        var known = await Rows(rig, until: "not known");
        var before = rig.Store.Writes;

        await rig.Put(SchedulerRig.Task(1, rig.Now));
        for (var hour = 0; hour < 10; hour++)
        {
            rig.Ready.Ring();
            rig.Clock.Advance(TimeSpan.FromHours(1));
        }

        rig.Set("ann", ActivityState.Idle);
        await rig.Tasks.Claimed();

        var conditions = (await Rows(rig, until: "has a task")).Length - known.Length;
        // The test's own write, the claim, and those of the conditions that changed.
        Assert.InRange(rig.Store.Writes - before, 2, 2 + conditions);
    }

    [Fact]
    public async Task A_raised_max_active_lets_the_next_task_of_its_phase_be_given()
    {
        await using var rig = new DispatcherRig();
        rig.Workflows.MaxActive[("ship", SchedulerRig.Phase)] = 1;
        await rig.Add("ann", capacity: 2);
        rig.Set("ann", ActivityState.Idle);
        await rig.Put(SchedulerRig.Task(1, rig.Now), SchedulerRig.Task(2, rig.Now));
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        Assert.Equal((1, "ann"), await rig.Tasks.Claimed());

        rig.Workflows.MaxActive[("ship", SchedulerRig.Phase)] = 2;
        var workflow = rig.Workflows.Find("ship");
        await rig.Store.Write(write =>
            write.Raise(new WorkflowChanged(new WorkflowView("ship", 2, false, workflow, "operator", default)))
        );

        Assert.Equal((2, "ann"), await rig.Tasks.Claimed());
    }

    [Fact]
    public async Task Tasks_that_no_agent_fits_are_told_at_once()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        var told = new SemaphoreSlim(0);
        rig.Dispatcher.UnservableChanged += () => told.Release();

        await rig.Put(SchedulerRig.Task(1, rig.Now) with { Capabilities = ["cobol"] });

        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        var unservable = Assert.Single(rig.Dispatcher.Unservable(rig.Clock.GetUtcNow()));
        Assert.Equal("the duty worker with cobol; no agent fits", unservable.Reason);
        rig.Set("cay", ActivityState.Idle);
        await rig.Add("cay", 1, "cobol");
        Assert.Equal((1, "cay"), await rig.Tasks.Claimed());
        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Empty(rig.Dispatcher.Unservable(rig.Clock.GetUtcNow()));
    }

    [Fact]
    public async Task Tasks_whose_agents_cannot_work_are_told_after_half_an_hour()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann");
        rig.Set("cay", ActivityState.Stopped);
        await rig.Add("cay", 1, "cobol");
        await rig.Dispatcher.StartAsync(CancellationToken.None);
        await rig.Put(SchedulerRig.Task(1, rig.Now) with { Capabilities = ["cobol"] });
        var told = new SemaphoreSlim(0);
        rig.Dispatcher.UnservableChanged += () => told.Release();
        var due = rig.Clock.GetUtcNow().AddMinutes(30);
        await rig.Clock.Set(due);
        Assert.Empty(rig.Dispatcher.Unservable(due.AddMilliseconds(-1)));

        rig.Clock.Advance(TimeSpan.FromMinutes(30));

        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        var unservable = Assert.Single(rig.Dispatcher.Unservable(due));
        Assert.Equal(["cobol"], unservable.Capabilities);
        Assert.Equal((due.AddMinutes(-30), 1), (unservable.SinceAt, unservable.Count));
        Assert.Equal([1], unservable.Tasks);
        Assert.Equal("the duty worker with cobol; cay would fit and cannot work now", unservable.Reason);
        rig.Set("cay", ActivityState.Idle);
        Assert.Equal((1, "cay"), await rig.Tasks.Claimed());
        Assert.True(await told.WaitAsync(TimeSpan.FromSeconds(60)));
        Assert.Empty(rig.Dispatcher.Unservable(due));
    }

    [Fact]
    public async Task The_registry_counts_the_tasks_of_an_agent()
    {
        await using var rig = new DispatcherRig();
        rig.Set("ann", ActivityState.Idle);
        await rig.Add("ann", capacity: 2);
        var standing = new AgentStanding(rig.Roster, rig, [rig.Ready]);
        Assert.Equal(new AgentCondition("idle", CanWork: true), standing.Of("ann"));

        await rig.Put(SchedulerRig.Task(1, rig.Now), SchedulerRig.Task(2, rig.Now));
        await rig.Dispatcher.Assign(CancellationToken.None);

        Assert.Equal(new AgentCondition("running", CanWork: true, ActiveTasks: 2), standing.Of("ann"));
    }

    private static string Seen(DispatcherRig rig) =>
        string.Join(
            '\n',
            rig.Ready.First(100)
                .Select(id => $"{id}: {rig.Ready.ScoreOf(id)}")
                .Append($"ann {string.Join(',', rig.Ready.TasksOf("ann"))}")
                .Append($"bob {string.Join(',', rig.Ready.TasksOf("bob"))}")
                .Append($"next {rig.Ready.Next()?.Task.Id} {rig.Ready.Next()?.Agent}")
        );

    // A row is stored a moment after the change.
    private static async Task<(string? From, string To, long? Task)[]> Rows(DispatcherRig rig, string until)
    {
        (string? From, string To, string Reason, long? Task)[] rows = [];
        await Patience.Until(
            async () =>
            {
                rows = await rig.Store.Read(db =>
                    db.Query<(string?, string, string, long?)>(
                            "SELECT from_status, to_status, reason, task FROM agent_status_log ORDER BY id"
                        )
                        .ToArray()
                );
                return rows.Length > 0 && rows[^1].Reason == until;
            },
            $"a change of a condition with the reason '{until}' is noted"
        );
        return [.. rows.Select(row => (row.From, row.To, row.Task))];
    }

    private static QueuedTask HeldFor(string agent, long id, long since) =>
        SchedulerRig.Task(id, since) with
        {
            ReadyAt = null,
            Short = new Shortage("build", 1, 0, [1], since, [agent], IsHeldOtherwise: false),
        };
}
