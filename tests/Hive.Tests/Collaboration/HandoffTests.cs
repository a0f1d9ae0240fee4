using System.Text.Json;
using Hive.Tests.Agents;
using Hive.Tests.Messages;
using Hive.Tests.Tasks;

namespace Hive.Tests.Collaboration;

public sealed class HandoffTests
{
    private static readonly (string Call, string Code, string Part)[] Wrong =
    [
        ("""{"action":"give"}""", "invalid", "'action' can be request, accept, decline, withdraw"),
        ("""{"action":"request","reason":"x"}""", "invalid", "'to' is missing"),
        ("""{"action":"request","to":"bob"}""", "invalid", "'reason' is empty"),
        ("""{"action":"request","to":"B B","reason":"x"}""", "invalid", "'to' is not a valid agent name"),
        ("""{"action":"request","to":"bbo","reason":"x"}""", "not_found", "bob"),
        ("""{"action":"request","to":"alice","reason":"x"}""", "conflict", "alice has task 1 already"),
        ("""{"action":"request","to":"carol","reason":"x"}""", "conflict", "it lacks csharp"),
        ("""{"action":"request","to":"dave","reason":"x"}""", "conflict", "dave takes no tasks of"),
        ("""{"action":"request","to":"vera","reason":"x"}""", "conflict", "vera is not a worker"),
        ("""{"action":"request","to":"manager","reason":"x"}""", "conflict", "manager is not a worker"),
        ("""{"action":"request","to":"bob","reason":"x","task":2}""", "conflict", "was given to nobody yet"),
        ("""{"action":"request","to":"bob","reason":"x","task":9}""", "not_found", "task 9"),
        ("""{"action":"request","to":"bob","reason":"x","run":99}""", "conflict", "run 99 of task 1 has ended"),
        ("""{"action":"accept"}""", "invalid", "name the 'handoff'"),
        ("""{"action":"accept","handoff":0}""", "invalid", "'handoff' must be a positive id"),
        ("""{"action":"decline","handoff":9}""", "not_found", "handoff 9"),
        ("""{"action":"accept","handoff":1,"message":" "}""", "invalid", "'message' is empty"),
    ];

    [Fact]
    public async Task An_accepted_handoff_gives_the_task_to_the_other_agent_in_a_run_of_its_own()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        var turn = await rig.Run(task, "alice");
        var bob = await rig.Helper("bob");
        using var events = await rig.Hive.Events();
        var asked = (
            await alice.CallAsync(
                "handoff",
                new
                {
                    action = "request",
                    to = "bob",
                    reason = "I lack the key.",
                    context = new { branch = "login" },
                }
            )
        ).GetProperty("handoff");
        Assert.Equal(
            ("requested", "alice", "bob"),
            (asked.Text("status"), asked.Text("from_agent"), asked.Text("to_agent"))
        );
        var request = Assert.Single(await rig.ReadNews("bob"));
        Assert.Equal(("handoff_requested", "I lack the key."), (request.Text("event"), request.Text("reason")));
        Assert.Equal("login", request.GetProperty("context").Text("branch"));
        Assert.Equal((asked.Number("id"), task), (request.Number("handoff"), request.Number("task")));
        var first = (await rig.Task(task)).Number("run");

        var accepted = await bob.Answer(asked, "accept", "I have it.");
        Assert.Equal("accepted", accepted.Text("status"));
        var row = await rig.Task(task);
        Assert.Equal(("assigned", "bob"), (row.Text("status"), row.Text("agent")));
        var runs = row.GetProperty("runs");
        Assert.Equal((first, "handed_off"), (runs[1].Number("id"), runs[1].Text("end")));
        var given = Assert.Single(await rig.News("bob"));
        Assert.Equal(("task_assigned", row.Number("run")), (given.Text("event"), given.Number("run")));
        var handed = given.GetProperty("handoff");
        Assert.Equal(("alice", "I lack the key."), (handed.Text("from"), handed.Text("reason")));
        var told = Assert.Single(await rig.ReadNews("alice"));
        Assert.Equal(("handoff_accepted", "I have it."), (told.Text("event"), told.Text("text")));
        var thread = await rig.Thread(asked.Number("thread"));
        Assert.Equal(("resolved", "handoff", 2), (thread.Text("status"), thread.Text("type"), thread.Number("posts")));
        Assert.Equal("accepted", thread.GetProperty("handoff").Text("status"));

        // The turn goes on, and nothing in it ends the task.
        var fenced = await Talk.Refused(
            () => alice.CallAsync("complete_task", new { task, summary = "done" }),
            "conflict"
        );
        Assert.Contains("bob", fenced.Message);
        await rig.EndTurn("alice", turn);
        Assert.Equal("assigned", (await rig.Task(task)).Text("status"));
        await bob.CallAsync("complete_task", new { summary = "done" });
        Assert.Equal("completed", (await rig.Task(task)).Text("status"));
        Assert.Equal(["requested", "accepted"], await Statuses(events, 2));
        await rig.Legal();
    }

    [Fact]
    public async Task A_declined_handoff_leaves_the_task_and_another_one_may_be_asked()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var (bob, carol) = (await rig.Helper("bob"), await rig.Helper("carol"));
        var asked = await alice.Offer("bob");
        var second = await Talk.Refused(() => alice.Offer("carol"), "conflict");
        Assert.Contains("offered to bob", second.Message);
        await Talk.Refused(() => carol.Answer(asked, "accept"), "forbidden");
        await Talk.Refused(() => alice.Answer(asked, "accept"), "forbidden");
        Assert.Equal("declined", (await bob.Answer(asked, "decline", "No time.")).Text("status"));
        var told = Assert.Single(await rig.ReadNews("alice"));
        Assert.Equal(("handoff_declined", "No time."), (told.Text("event"), told.Text("text")));
        var late = await Talk.Refused(() => bob.Answer(asked, "accept"), "conflict");
        Assert.Contains("declined", late.Message);
        Assert.Equal(
            ("running", "alice"),
            ((await rig.Task(task)).Text("status"), (await rig.Task(task)).Text("agent"))
        );
        await carol.Answer(await alice.Offer("carol"), "accept");
        Assert.Equal("carol", (await rig.Task(task)).Text("agent"));
        await rig.Legal();
    }

    [Fact]
    public async Task A_handoff_without_an_answer_expires_after_a_day_also_while_no_host_runs()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        // Longer than the wait for an answer.
        var task = await LongTask(rig);
        await rig.Run(task, "alice");
        var bob = await rig.Helper("bob");
        var asked = await alice.Offer("bob");
        rig.Pass(86_399);
        Assert.Equal("requested", (await rig.Handoff(asked.Number("id"))).Text("status"));
        rig.Pass(1);
        await rig.UntilHandoff(asked.Number("id"), "expired");
        Assert.Equal("handoff_expired", Assert.Single(await rig.ReadNews("alice")).Text("event"));
        Assert.Contains("handoff_expired", (await rig.ReadNews("bob")).Select(n => n.Text("event")));
        await Talk.Refused(() => bob.Answer(asked, "accept"), "conflict");

        var again = await alice.Offer("bob");
        await rig.Restart(() => rig.Pass(86_400));
        await rig.UntilHandoff(again.Number("id"), "expired");
        Assert.Equal("resolved", (await rig.Thread(again.Number("thread"))).Text("status"));
    }

    [Fact]
    public async Task A_handoff_survives_a_restart_and_is_accepted_after_it()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Helper("bob");
        var asked = await alice.Offer("bob");
        await rig.Restart();
        await (await rig.Connect("bob")).Answer(asked, "accept");
        Assert.Equal("bob", (await rig.Task(task)).Text("agent"));
        await rig.Legal();
    }

    [Theory]
    [InlineData("withdraw")]
    [InlineData("complete")]
    [InlineData("cancel")]
    [InlineData("delete")]
    public async Task A_handoff_ends_with_the_request_the_run_or_the_agent_it_is_about(string how)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Helper("bob");
        var asked = await alice.Offer("bob");
        await (
            how switch
            {
                "withdraw" => alice.Answer(asked, "withdraw"),
                "complete" => alice.CallAsync("complete_task", new { summary = "done after all" }),
                "cancel" => rig.Host.CallAsync("change_task", new { id = task, action = "cancel" }),
                _ => rig.Host.CallAsync("destroy", new { name = "bob" }),
            }
        );
        await rig.UntilHandoff(asked.Number("id"), how == "delete" ? "expired" : "withdrawn");
        if (how != "delete")
            Assert.Equal(
                ["handoff_requested", "handoff_withdrawn"],
                (await rig.News("bob")).Select(n => n.Text("event"))
            );
        Assert.Equal("resolved", (await rig.Thread(asked.Number("thread"))).Text("status"));
        Assert.Equal(how == "delete", (await rig.News("alice")).Any(n => n.Text("event") == "handoff_expired"));
        await rig.Legal();
    }

    [Fact]
    public async Task A_deleted_ticket_withdraws_the_offers_of_its_tasks()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Helper("bob");
        await alice.Offer("bob");
        using var events = await rig.Hive.Events();
        var ticket = (await rig.Task(task)).Number("ticket");
        await rig.Change(write => rig.Tickets.Delete(write, ticket));
        Assert.Equal("withdrawn", (await events.Next("handoff_changed")).GetProperty("handoff").Text("status"));
        Assert.Equal(
            ["handoff_requested", "handoff_withdrawn"],
            (await rig.News("bob")).Select(told => told.Text("event"))
        );
    }

    [Fact]
    public async Task An_agent_does_not_withdraw_what_the_operator_has_asked_for()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Helper("bob");
        var asked = await rig.Host.Offer("bob", task);
        var refused = await Talk.Refused(() => alice.Answer(asked, "withdraw"), "forbidden");
        Assert.Equal(
            $"operator has asked for handoff {asked.Number("id")}, and only it withdraws that; object in thread "
                + asked.Number("thread"),
            refused.Message
        );
        await alice.Post(asked.Number("thread"), "I am nearly done.");
        Assert.Equal("withdrawn", (await rig.Host.Answer(asked, "withdraw")).Text("status"));
    }

    [Fact]
    public async Task A_call_with_a_wrong_field_is_refused_and_changes_nothing()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capabilities: [csharp]\n");
        var ticket = await rig.Ticket();
        var tasks = await rig.Add(
            ticket,
            new
            {
                @ref = "one",
                task_type = "write",
                title = "one",
                capabilities = new[] { "csharp" },
            },
            TaskRig.New("two", "one")
        );
        await rig.Run(tasks[0], "alice");
        await rig.Helper("bob", "capabilities: [csharp]\n");
        await rig.Helper("carol");
        await rig.Worker("dave", "capabilities: [csharp]\n");
        await rig.Hive.SpawnAs("vera", "duty: validator\ncapabilities: [csharp]\n");
        foreach (var (call, code, part) in Wrong)
        {
            var refused = await rig.Refused(alice.CallAsync("handoff", JsonElement.Parse(call)));
            Assert.True(refused.Code == code && refused.Message.Contains(part), $"{call}: {refused.Code} {refused}");
        }

        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM handoffs"));
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM threads"));
    }

    [Fact]
    public async Task A_long_reason_and_a_long_context_are_refused()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Run(await rig.OneTask(), "alice");
        await rig.Helper("bob");
        foreach (var (reason, context) in new[] { (4097, 1), (1, 4097) })
            await Talk.Refused(
                () =>
                    alice.CallAsync(
                        "handoff",
                        new
                        {
                            action = "request",
                            to = "bob",
                            reason = new string('x', reason),
                            context = new { text = new string('x', context) },
                        }
                    ),
                "too_large"
            );
    }

    [Fact]
    public async Task An_agent_that_waits_for_an_answer_to_its_handoff_has_room_and_is_not_reminded()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Helper("alice", "capabilities: [csharp]\n");
        var task = await rig.OneTask();
        await rig.Until(task, "assigned");
        var turn = await rig.Begin("alice");
        var bob = await rig.Helper("bob");
        var next = (
            await rig.Add(
                await rig.Ticket(),
                new
                {
                    task_type = "write",
                    title = "next",
                    capabilities = new[] { "csharp" },
                }
            )
        )[0];
        var asked = await alice.Offer("bob");
        var ends = (await alice.CallAsync("loose_ends")).GetProperty("items").EnumerateArray().ToArray();
        Assert.Contains(
            ends,
            e => e.Text("kind") == "handoff" && e.Text("role") == "waits" && e.Text("target") == "bob"
        );
        var owed = (await bob.CallAsync("loose_ends")).GetProperty("items").EnumerateArray().Single();
        Assert.Equal(("handoff", "owes", "alice"), (owed.Text("kind"), owed.Text("role"), owed.Text("asker")));
        for (var i = 0; i < 3; i++)
        {
            rig.Pass(121);
            Assert.Equal("pending", (await rig.Task(next)).Text("status"));
        }

        await rig.EndTurn("alice", turn);
        // Its only place is free while it waits.
        await rig.Until(next, row => row.Text("agent") == "alice");
        for (var i = 0; i < 3; i++)
        {
            rig.Pass(121);
            Assert.Equal(0, (await rig.Task(task)).GetProperty("runs")[0].Number("nudges"));
        }

        await bob.Answer(asked, "accept");
        Assert.Equal("bob", (await rig.Task(task)).Text("agent"));
        await rig.Legal();
    }

    [Fact]
    public async Task A_handoff_may_exceed_the_capacity_of_its_agent_by_one()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice", "capacity: 3\n");
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"));
        foreach (var id in ids)
            await rig.Give(id, "alice");
        var bob = await rig.Helper("bob");
        JsonElement[] asked = [.. await Task.WhenAll(ids.Select(id => rig.Of("alice").Offer("bob", id)))];
        await bob.Answer(asked[0], "accept");
        await bob.Answer(asked[1], "accept");
        var refused = await Talk.Refused(() => bob.Answer(asked[2], "accept"), "conflict");
        Assert.Contains("capacity of 1", refused.Message);
        await bob.CallAsync("complete_task", new { task = asked[0].Number("task"), summary = "done" });
        await bob.Answer(asked[2], "accept");
        await rig.Legal();
    }

    [Fact]
    public async Task A_paused_agent_and_one_that_has_lost_its_capability_cannot_accept()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capabilities: [csharp]\n");
        var task = (
            await rig.Add(
                await rig.Ticket(),
                new
                {
                    task_type = "write",
                    title = "one",
                    capabilities = new[] { "csharp" },
                }
            )
        )[0];
        await rig.Run(task, "alice");
        var bob = await rig.Helper("bob", "capabilities: [csharp]\n");
        var asked = await alice.Offer("bob");
        await rig.Host.CallAsync("set_paused", new { name = "bob", paused = true });
        Assert.Contains("paused", (await Talk.Refused(() => bob.Answer(asked, "accept"), "conflict")).Message);
        await rig.Host.CallAsync("set_paused", new { name = "bob", paused = false });
        await rig.Host.CallAsync("agent_change", new { name = "bob", capabilities = new[] { "rust" } });
        Assert.Contains("it lacks", (await Talk.Refused(() => bob.Answer(asked, "accept"), "conflict")).Message);
        Assert.Equal("alice", (await rig.Task(task)).Text("agent"));
    }

    [Fact]
    public async Task A_repeated_answer_with_the_same_key_gets_the_first_one()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var bob = await rig.Helper("bob");
        var handoff = (await alice.Offer("bob")).Number("id");
        var call = new
        {
            action = "accept",
            handoff,
            key = "k",
        };
        var first = await bob.CallAsync("handoff", call);
        Assert.Equal(
            first.GetProperty("handoff").GetRawText(),
            (await bob.CallAsync("handoff", call)).GetProperty("handoff").GetRawText()
        );
        Assert.Equal(2, (await rig.Task(task)).GetProperty("runs").GetArrayLength());
    }

    private static async Task<long> LongTask(TaskRig rig) =>
        (
            await rig.Add(
                await rig.Ticket(),
                new
                {
                    task_type = "write",
                    title = "long",
                    timeout_seconds = 400_000,
                }
            )
        )[0];

    private static async Task<string[]> Statuses(Fixture.EventReader events, int count)
    {
        List<string> found = [];
        while (found.Count < count)
            found.Add((await events.Next("handoff_changed")).GetProperty("handoff").Text("status")!);
        return [.. found];
    }
}
