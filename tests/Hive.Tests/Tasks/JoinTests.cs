using System.Net.Http.Json;
using System.Text.Json;
using Dapper;

namespace Hive.Tests.Tasks;

/// <summary>Tasks that need only some of what they wait for, and barriers and merges, which the host ends.</summary>
public sealed class JoinTests
{
    /// <summary>A task with a quorum.</summary>
    internal static object Work(string name, object quorum, params object[] after) =>
        new
        {
            @ref = name,
            task_type = "implement_feature",
            title = name,
            depends_on = after,
            quorum,
        };

    [Theory]
    [InlineData("first", 1)]
    [InlineData("majority", 2)]
    [InlineData("3", 3)]
    [InlineData("all", 3)]
    public async Task A_task_is_ready_when_its_quorum_is_completed(string quorum, int needed)
    {
        await using var rig = await TaskRig.Start();
        var ids = await Three(rig, await rig.Ticket(), Work("d", quorum, "a", "b", "c"));
        for (var done = 0; done < 3; done++)
        {
            Assert.Equal(done < needed ? ["dependency"] : [], (await rig.Task(ids[3])).Holds());
            await Change(rig, ids[done], "skip");
        }

        Assert.Empty((await rig.Task(ids[3])).Holds());
    }

    [Fact]
    public async Task A_task_whose_quorum_cannot_be_met_is_held_and_never_failed()
    {
        await using var rig = await TaskRig.Start();
        var ids = await Three(rig, await rig.Ticket(), Work("d", "majority", "a", "b", "c"));
        await Change(rig, ids[0], "cancel");
        Assert.Equal(["dependency"], (await rig.Task(ids[3])).Holds());
        await Change(rig, ids[1], "cancel");
        var held = await rig.Task(ids[3]);
        Assert.Equal("pending", held.Text("status"));
        Assert.Contains(
            held.GetProperty("holds").EnumerateArray(),
            h =>
                h.Text("hold") == "failed_dependency"
                && h.Text("reason")!
                    .StartsWith($"needs 1 of tasks {ids[0]}, {ids[1]}, which have", StringComparison.Ordinal)
        );
        await Change(rig, ids[0], "retry");
        Assert.DoesNotContain("failed_dependency", (await rig.Task(ids[3])).Holds());
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_barrier_is_completed_in_the_write_of_its_last_task()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var barrier = (
            await Coordinate(
                rig,
                "sync",
                new
                {
                    ticket_id = ticket,
                    task_ids = ids,
                    required_count = 2,
                }
            )
        ).Number("id");
        var next = (await rig.Add(ticket, TaskRig.New("next", barrier)))[0];
        await Change(rig, ids[0], "cancel");
        await Change(rig, ids[1], "skip");
        Assert.Equal("pending", (await rig.Task(barrier)).Text("status"));
        await rig.Run(ids[2], "alice");
        var events = await rig.Hive.Events();
        await alice.CallAsync("complete_task", new { summary = "done" });
        // One commit: the last task, the barrier, and what waits for that.
        List<(long, string)> seen = [];
        while (!seen.Contains((next, "pending")))
        {
            var task = (await events.Next("task_changed")).GetProperty("task");
            seen.Add((task.Number("id"), task.Text("status")!));
        }

        Assert.Equal([(ids[2], "completed"), (barrier, "completed"), (next, "pending")], seen);
        Assert.Equal(
            1,
            await rig.Read<long>(
                "SELECT count(DISTINCT completed_at) FROM tasks WHERE id IN (@last, @barrier)",
                new { last = ids[2], barrier }
            )
        );
        Assert.Empty((await rig.Task(next)).Holds());
        Assert.Equal("barrier", (await rig.Task(barrier)).Text("kind"));
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_barrier_of_completed_tasks_is_completed_when_it_is_made()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        foreach (var id in ids)
            await Change(rig, id, "skip");
        var barrier = await Coordinate(rig, "sync", new { ticket_id = ticket, task_ids = ids });
        Assert.Equal("completed", barrier.Text("status"));
    }

    [Fact]
    public async Task A_barrier_without_hope_fails_and_waits_again_with_its_tasks()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var barrier = (
            await Coordinate(
                rig,
                "sync",
                new
                {
                    ticket_id = ticket,
                    task_ids = ids,
                    required_count = 2,
                }
            )
        ).Number("id");
        var next = (await rig.Add(ticket, TaskRig.New("next", barrier)))[0];
        await Change(rig, ids[0], "cancel");
        await Change(rig, ids[1], "cancel");
        var failed = await rig.Task(barrier);
        Assert.Equal(("failed", "dependency"), (failed.Text("status"), failed.Text("error_kind")));
        Assert.Contains("failed_dependency", (await rig.Task(next)).Holds());
        var refused = await rig.Refused(Change(rig, barrier, "retry"));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("retry or skip one of those", refused.Message, StringComparison.Ordinal);
        await Change(rig, ids[0], "retry");
        Assert.Equal("pending", (await rig.Task(barrier)).Text("status"));
        await Change(rig, ids[0], "skip");
        await Change(rig, ids[2], "skip");
        Assert.Equal("completed", (await rig.Task(barrier)).Text("status"));
        Assert.Empty((await rig.Task(next)).Holds());
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_barrier_fails_at_its_deadline_also_after_a_restart()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        object Sync(long seconds) =>
            new
            {
                ticket_id = ticket,
                task_ids = ids,
                timeout_seconds = seconds,
            };
        var early = (await Coordinate(rig, "sync", Sync(100))).Number("id");
        var late = (await Coordinate(rig, "sync", Sync(200))).Number("id");
        rig.Pass(101);
        var failed = await rig.Until(early, "failed");
        Assert.Equal(
            ("deadline", "0 of 3 tasks were completed within 100 seconds, and it needs 3"),
            (failed.Text("error_kind"), failed.Text("error_message"))
        );
        Assert.Equal("pending", (await rig.Task(late)).Text("status"));
        await rig.Restart();
        rig.Pass(100);
        await rig.Until(late, "failed");
        // Tried again, it has its whole time; without one it waits for ever.
        await Change(rig, early, "retry");
        rig.Pass(99);
        Assert.Equal("pending", (await rig.Task(early)).Text("status"));
        rig.Pass(2);
        await rig.Until(early, "failed");
    }

    [Theory]
    [InlineData(101, 0)]
    [InlineData(0, -7200)]
    public async Task A_deadline_holds_while_no_host_runs_and_when_the_clock_is_set_back(int passed, int jumped)
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var task_ids = await Three(rig, ticket);
        var body = new
        {
            ticket_id = ticket,
            task_ids,
            timeout_seconds = 100,
        };
        var barrier = (await Coordinate(rig, "sync", body)).Number("id");
        await rig.Restart(() =>
        {
            rig.Pass(passed);
            rig.Hive.Clock.Jump(TimeSpan.FromSeconds(jumped));
        });
        // Set back by hours, the clock leaves the barrier no more than its whole time.
        if (passed == 0)
            rig.Pass(101);
        await rig.Until(barrier, "failed");
    }

    [Fact]
    public async Task A_barrier_with_its_quorum_outlasts_its_deadline_while_it_is_held()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        async Task<long> Sync(string phase_id, params long[] task_ids) =>
            (
                await Coordinate(
                    rig,
                    "sync",
                    new
                    {
                        ticket_id = ticket,
                        task_ids,
                        phase_id,
                        timeout_seconds = 100,
                    }
                )
            ).Number("id");
        var held = await Sync(TaskRig.Phase, ids[0]);
        var open = await Sync(TaskRig.Phase, ids);
        await Change(rig, ids[0], "skip");
        rig.Pass(101);
        // The alarms come in one round.
        await rig.Until(open, "failed");
        Assert.Equal(["phase"], (await rig.Task(held)).Holds());
        await rig.Move(ticket, TaskRig.Phase);
        Assert.Equal("completed", (await rig.Task(held)).Text("status"));
    }

    [Fact]
    public async Task A_failed_merge_is_told_to_the_manager_and_blocks_a_stuck_ticket()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        await rig.Connect("manager");
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var merge = (await Coordinate(rig, "merge", new { ticket_id = ticket, task_ids = ids })).Number("id");
        var behind = (await Coordinate(rig, "sync", new { ticket_id = ticket, task_ids = new[] { merge } })).Number(
            "id"
        );
        await rig.Add(ticket, TaskRig.New("next", behind));
        foreach (var id in ids)
            await Complete(rig, id, JsonElement.Parse($"{{\"f{id}\":\"{new string('x', 14000)}\"}}"));
        Assert.Equal(("failed", "failed"), (await Status(rig, merge), await Status(rig, behind)));
        // The barrier behind the merge has failed with it, and is not told of.
        var news = (await rig.News("manager")).Where(n => n.Text("event") == "task_failed");
        Assert.Equal(merge, news.Single().Number("id"));
        Assert.Equal("dependency", await rig.Read<string>("SELECT blocked FROM test_tickets"));
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_barrier_is_of_the_latest_phase_of_its_tasks_and_takes_each_once()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var later = new
        {
            task_type = "test",
            title = "later",
            phase_id = "PHASE_TESTING",
        };
        var ids = await rig.Add(ticket, TaskRig.New("a"), later);
        var barrier = await Coordinate(
            rig,
            "sync",
            new { ticket_id = ticket, task_ids = (long[])[ids[1], ids[0], ids[1]] }
        );
        Assert.Equal("PHASE_TESTING", barrier.Text("phase_id"));
        Assert.Equal(ids, barrier.GetProperty("depends_on").EnumerateArray().Select(id => id.GetInt64()));
        var join = await Coordinate(
            rig,
            "join",
            new
            {
                ticket_id = ticket,
                task_ids = ids,
                continuation_task = new { description = "Go on." },
            }
        );
        Assert.Equal("PHASE_TESTING", join.Text("phase_id"));
    }

    [Fact]
    public async Task A_completed_barrier_has_no_deadline_any_more()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        long[] barriers =
        [
            .. await Task.WhenAll(
                new[] { ids[..1], ids }.Select(async on =>
                    (
                        await Coordinate(
                            rig,
                            "sync",
                            new
                            {
                                ticket_id = ticket,
                                task_ids = on,
                                timeout_seconds = 100,
                            }
                        )
                    ).Number("id")
                )
            ),
        ];
        await Change(rig, ids[0], "skip");
        rig.Pass(101);
        // The alarms come in one round.
        await rig.Until(barriers[1], "failed");
        Assert.Equal("completed", (await rig.Task(barriers[0])).Text("status"));
    }

    [Fact]
    public async Task A_barrier_waits_for_its_ticket_and_for_the_operator()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var barrier = (
            await Coordinate(
                rig,
                "sync",
                new
                {
                    ticket_id = ticket,
                    task_ids = ids,
                    phase_id = TaskRig.Phase,
                }
            )
        ).Number("id");
        await Change(rig, barrier, "hold");
        foreach (var id in ids)
            await Change(rig, id, "skip");
        Assert.Equal(["phase", "operator"], (await rig.Task(barrier)).Holds());
        await rig.Move(ticket, TaskRig.Phase);
        Assert.Equal(["operator"], (await rig.Task(barrier)).Holds());
        var answer = await rig.Host.CallAsync("change_task", new { id = barrier, action = "release" });
        Assert.Equal("completed", answer.GetProperty("task").Text("status"));
    }

    [Fact]
    public async Task A_chain_of_hundreds_of_barriers_ends_in_one_write()
    {
        const int Length = 400;
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var first = (await rig.Add(ticket, TaskRig.New("a")))[0];
        var last = first;
        for (var i = 0; i < Length; i++)
            last = (await Coordinate(rig, "sync", new { ticket_id = ticket, task_ids = (long[])[last] })).Number("id");
        await Change(rig, first, "skip");
        Assert.Equal("completed", (await rig.Task(last)).Text("status"));
        Assert.Equal(Length + 1, await rig.Read<long>("SELECT count(*) FROM task_ends WHERE status = 'completed'"));
        await TicketSeamsTests.Recount(rig);
    }

    [Theory]
    [InlineData("combine", null, "{\"a\":2,\"b\":3,\"c\":3,\"list\":[1]}")]
    [InlineData("union", null, "{\"a\":2,\"b\":3,\"c\":3,\"list\":[1]}")]
    [InlineData("intersection", null, "{\"b\":3}")]
    [InlineData("custom", "c", "{\"c\":3}")]
    public async Task A_merge_stores_the_results_in_the_order_of_its_arguments(
        string merge_strategy,
        string? field,
        string merged
    )
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        // The last one is named first.
        long[] task_ids = [ids[2], ids[0], ids[1]];
        var merge = (
            await Coordinate(
                rig,
                "merge",
                new
                {
                    ticket_id = ticket,
                    task_ids,
                    merge_strategy,
                    fields = field is null ? null : new[] { field },
                }
            )
        ).Number("id");
        string?[] outputs = ["{\"a\":2,\"b\":2,\"list\":[1]}", "{\"b\":3,\"c\":3}", "{\"a\":1,\"b\":1,\"c\":1}"];
        foreach (var (id, output) in ids.Zip(outputs))
            await Complete(rig, id, JsonElement.Parse(output!));
        var row = await rig.Task(merge);
        Assert.Equal(("completed", merge_strategy), (row.Text("status"), row.Text("merge_strategy")));
        var result = row.GetProperty("result");
        Assert.Equal($"3 of 3 tasks are completed: {ids[2]}, {ids[0]}, {ids[1]}", result.Text("summary"));
        var fields = result.GetProperty("outputs").EnumerateObject().OrderBy(f => f.Name).Select(f => f.ToString());
        Assert.Equal(merged, $"{{{string.Join(',', fields)}}}");
        Assert.Equal(3, await rig.Read<long>("SELECT count(*) FROM runs WHERE end = 'completed'"));
        await alice.CallAsync("status");
    }

    [Fact]
    public async Task A_merge_leaves_out_what_has_no_fields_and_fails_when_it_is_too_large()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var small = (await Coordinate(rig, "merge", new { ticket_id = ticket, task_ids = ids[..2] })).Number("id");
        var large = (await Coordinate(rig, "merge", new { ticket_id = ticket, task_ids = ids })).Number("id");
        await Complete(rig, ids[0], JsonElement.Parse("[1, 2]"));
        await Complete(rig, ids[1], JsonElement.Parse($"{{\"b\":\"{new string('x', 16000)}\"}}"));
        var outputs = (await rig.Task(small)).GetProperty("result").GetProperty("outputs");
        Assert.Equal(["b"], outputs.EnumerateObject().Select(f => f.Name));
        await Complete(rig, ids[2], JsonElement.Parse($"{{\"c\":\"{new string('x', 16000)}\"}}"));
        var third = (await rig.Add(ticket, TaskRig.New("more")))[0];
        Assert.Equal("completed", (await rig.Task(large)).Text("status"));
        var larger = (
            await Coordinate(rig, "merge", new { ticket_id = ticket, task_ids = (long[])[.. ids, third] })
        ).Number("id");
        await Complete(rig, third, JsonElement.Parse($"{{\"d\":\"{new string('x', 16000)}\"}}"));
        var failed = await rig.Task(larger);
        Assert.Equal(("failed", "too_large"), (failed.Text("status"), failed.Text("error_kind")));
        Assert.Contains("the limit is 32768", failed.Text("error_message"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task No_agent_does_a_barrier()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await Three(rig, ticket);
        var barrier = (await Coordinate(rig, "sync", new { ticket_id = ticket, task_ids = ids })).Number("id");
        var refused = await rig.Refused(
            rig.Host.CallAsync(
                "change_task",
                new
                {
                    id = barrier,
                    action = "assign",
                    agent = "alice",
                }
            )
        );
        Assert.Equal("conflict", refused.Code);
        // A new time counts from now on.
        await rig.Host.CallAsync(
            "change_task",
            new
            {
                id = barrier,
                action = "timeout",
                timeout_seconds = 50,
            }
        );
        rig.Pass(51);
        await rig.Until(barrier, "failed");
    }

    [Theory]
    [InlineData("sync", "{\"task_ids\":[]}", "'task_ids' is empty")]
    [InlineData("sync", "{}", "task_ids")]
    [InlineData("sync", "{\"task_ids\":[1,1],\"required_count\":2}", "'required_count' must be from 0")]
    [InlineData("sync", "{\"task_ids\":[-1]}", "positive task ids")]
    [InlineData("sync", "{\"task_ids\":[1],\"required_count\":2}", "'required_count' must be from 0")]
    [InlineData("sync", "{\"task_ids\":[1],\"timeout_seconds\":0}", "'timeout_seconds' must be from 1")]
    [InlineData("sync", "{\"task_ids\":[99]}", "task 99 not found")]
    [InlineData("split", "{\"task_ids\":[1],\"target_tasks\":[]}", "'target_tasks' is empty")]
    [InlineData("split", "{\"task_ids\":[1,2],\"target_tasks\":[{}]}", "the one task that is split")]
    [InlineData("split", "{\"task_ids\":[1],\"target_tasks\":[{\"priority\":\"x\"}]}", "'priority' can be")]
    [InlineData(
        "join",
        "{\"task_ids\":[1],\"continuation_task\":{},\"merge_strategy\":\"x\"}",
        "'merge_strategy' can be"
    )]
    [InlineData("join", "{\"task_ids\":[1],\"continuation_task\":{},\"merge_strategy\":2}", "counts more tasks")]
    [InlineData("join", "{\"task_ids\":[1]}", "continuation_task")]
    [InlineData("merge", "{\"task_ids\":[1],\"merge_strategy\":\"x\"}", "'merge_strategy' can be combine")]
    [InlineData("merge", "{\"task_ids\":[1],\"merge_strategy\":\"custom\"}", "give both or neither")]
    [InlineData("merge", "{\"task_ids\":[1],\"quorum\":2}", "'quorum' counts more tasks")]
    public async Task Wrong_coordination_is_refused_and_makes_nothing(string route, string body, string error)
    {
        var rig = await AllRows.Share(() => TaskRig.Start());
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        await rig.Add(ticket, TaskRig.New("a"));
        var before = await rig.Read<long>("SELECT count(*) FROM tasks");
        var given = System.Text.Json.Nodes.JsonNode.Parse(body)!;
        given["ticket_id"] = ticket;
        var answer = await http.PostAsJsonAsync($"/api/v1/coordination/{route}", given);
        Assert.False(answer.IsSuccessStatusCode);
        Assert.Contains(error, await answer.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        Assert.Equal(before, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task Split_and_join_make_tasks_that_wait()
    {
        await using var rig = await TaskRig.Start();
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        var source = (await rig.Add(ticket, TaskRig.New("a")))[0];
        var body = new
        {
            ticket_id = ticket,
            task_ids = (long[])[source],
            target_tasks = new[]
            {
                new { description = "One.\nMore.", task_type = "part" },
                new { description = "Two.", task_type = "part" },
            },
            required_capabilities = (string[])["csharp"],
            key = "k",
        };
        var split = await (await http.PostAsJsonAsync("/api/v1/coordination/split", body))
            .EnsureSuccessStatusCode()
            .Content.ReadFromJsonAsync<JsonElement>();
        var again = await (
            await http.PostAsJsonAsync("/api/v1/coordination/split", body)
        ).Content.ReadFromJsonAsync<JsonElement>();
        long[] parts = [.. split.EnumerateArray().Select(t => t.Number("id"))];
        Assert.Equal(parts, again.EnumerateArray().Select(t => t.Number("id")));
        Assert.Equal(["One.", "Two."], split.EnumerateArray().Select(t => t.Text("title")));
        Assert.Equal("csharp", split[0].GetProperty("capabilities")[0].GetString());
        Assert.Equal(source, split[0].GetProperty("depends_on")[0].GetInt64());
        var join = await Coordinate(
            rig,
            "join",
            new
            {
                ticket_id = ticket,
                task_ids = parts,
                continuation_task = new { description = "Put them together." },
                merge_strategy = "first",
            }
        );
        Assert.Equal(("join_task", "work"), (join.Text("task_type"), join.Text("kind")));
        await Change(rig, source, "skip");
        await Change(rig, parts[1], "skip");
        Assert.Empty((await rig.Task(join.Number("id"))).Holds());
    }

    private static Task<long[]> Three(TaskRig rig, long ticket, params object[] more) =>
        rig.Add(ticket, [TaskRig.New("a"), TaskRig.New("b"), TaskRig.New("c"), .. more]);

    private static Task<JsonElement> Change(TaskRig rig, long id, string action) =>
        rig.Host.CallAsync("change_task", new { id, action });

    private static async Task<string?> Status(TaskRig rig, long id) => (await rig.Task(id)).Text("status");

    private static async Task Complete(TaskRig rig, long task, JsonElement outputs)
    {
        await rig.Give(task, "alice");
        await rig.Of("alice")
            .CallAsync(
                "complete_task",
                new
                {
                    task,
                    summary = "done",
                    outputs,
                }
            );
        foreach (var message in await rig.Messages("alice"))
            await rig.Of("alice").CallAsync("ack", new { id = message.Number("id") });
    }

    private static async Task<JsonElement> Coordinate(TaskRig rig, string route, object body)
    {
        using var http = rig.Hive.Http();
        var answer = await http.PostAsJsonAsync($"/api/v1/coordination/{route}", body);
        Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
        return await answer.Content.ReadFromJsonAsync<JsonElement>();
    }
}
