using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Tests.Agents;
using Hive.Tests.Messages;

namespace Hive.Tests.Tasks;

public sealed class AddTasksTests
{
    [Fact]
    public async Task A_cycle_among_new_tasks_is_refused_with_its_path_and_makes_nothing()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var refused = await rig.Refused(
            rig.Add(ticket, TaskRig.New("a", "c"), TaskRig.New("b", "a"), TaskRig.New("c", "b"), TaskRig.New("d"))
        );
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("a → c → b → a", refused.Message, StringComparison.Ordinal);
        var self = await rig.Refused(rig.Add(ticket, TaskRig.New("a", "a")));
        Assert.Contains("a → a", self.Message, StringComparison.Ordinal);
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_task_may_not_wait_for_one_of_a_phase_that_its_ticket_has_not_reached()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        object Later(string name, params object[] after) =>
            new
            {
                @ref = name,
                task_type = "test",
                title = name,
                phase_id = "PHASE_TESTING",
                depends_on = after,
            };
        var refused = await rig.Refused(rig.Add(ticket, TaskRig.New("a", "b"), Later("b")));
        Assert.Equal(
            (
                "conflict",
                $"'a' of PHASE_BACKLOG would wait for ever for 'b': ticket {ticket} is in PHASE_BACKLOG and reaches "
                    + "PHASE_TESTING only after 'a'; leave out the dependency, or give 'a' that phase"
            ),
            (refused.Code, refused.Message)
        );
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
        // The other way round it waits for its turn.
        var ids = await rig.Add(ticket, TaskRig.New("a"), Later("b", "a"), Later("c"));
        Assert.Equal("conflict", (await rig.Refused(Depend())).Code);
        Assert.Empty((await rig.Task(ids[0])).Holds());
        // There, a task of an earlier phase can wait for it.
        await rig.Move(ticket, "PHASE_TESTING");
        await Depend();
        Assert.Equal(["dependency"], (await rig.Task(ids[0])).Holds());

        Task Depend() =>
            rig.Host.CallAsync(
                "change_task",
                new
                {
                    id = ids[0],
                    action = "depend",
                    depends_on = ids[2],
                }
            );
    }

    [Fact]
    public async Task A_task_is_not_pinned_to_an_agent_whose_duty_is_another()
    {
        await using var rig = await TaskRig.Start();
        await rig.Hive.SpawnAs("vera", "duty: validator\n");
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        const string Reason =
            "vera is a validator and takes no tasks of workers; name another agent, or give it the duty 'worker' in "
            + "its agent.yaml";
        var refused = await rig.Refused(
            rig.Host.CallAsync(
                "apply_pattern",
                new
                {
                    ticket,
                    name = "majority_vote",
                    values = new { question = "Rust or Go?", evaluators = new[] { "alice", "vera" } },
                }
            )
        );
        Assert.Equal(("conflict", Reason), (refused.Code, refused.Message));
        var task = await rig.OneTask();
        refused = await rig.Refused(
            rig.Host.CallAsync(
                "change_task",
                new
                {
                    id = task,
                    action = "assign",
                    agent = "vera",
                }
            )
        );
        Assert.Equal(("conflict", Reason), (refused.Code, refused.Message));
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_task_may_wait_for_a_later_phase_beside_enough_others()
    {
        await using var rig = await TaskRig.Start();
        object Any(int quorum) =>
            new
            {
                task_type = "work",
                title = "b",
                depends_on = new[] { "a", "later" },
                quorum,
            };
        object[] both =
        [
            TaskRig.New("a"),
            new
            {
                @ref = "later",
                task_type = "test",
                title = "later",
                phase_id = "PHASE_TESTING",
            },
        ];
        Assert.Equal(3, (await rig.Add(await rig.Ticket(), [.. both, Any(1)])).Length);
        var refused = await rig.Refused(rig.Add(await rig.Ticket(), [.. both, Any(2)]));
        Assert.Contains(
            "'b' of PHASE_BACKLOG would wait for ever for 'later'",
            refused.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_quorum_counts_tasks_with_the_same_title_one_by_one()
    {
        await using var rig = await TaskRig.Start();
        var added = await rig.Add(
            await rig.Ticket(),
            TaskRig.New("a"),
            new
            {
                @ref = "b",
                task_type = "work",
                title = "a",
            },
            new
            {
                @ref = "later",
                task_type = "test",
                title = "later",
                phase_id = "PHASE_TESTING",
            },
            new
            {
                task_type = "work",
                title = "any two",
                depends_on = new[] { "a", "b", "later" },
                quorum = 2,
            }
        );
        Assert.Equal(4, added.Length);
    }

    [Theory]
    [InlineData("cancel", 2, true)]
    [InlineData("cancel", 1, false)]
    [InlineData("skip", 2, false)]
    public async Task Cancelled_tasks_cannot_replace_one_of_a_later_phase(string end, int quorum, bool isRefused)
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        object later = new
        {
            @ref = "later",
            task_type = "test",
            title = "later",
            phase_id = "PHASE_TESTING",
        };
        var ids = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"), later);
        await rig.Host.CallAsync("change_task", new { id = ids[0], action = end });
        var joined = rig.Add(
            ticket,
            new
            {
                task_type = "work",
                title = "d",
                depends_on = ids,
                quorum,
            }
        );
        if (isRefused)
            Assert.Contains(
                "'d' of PHASE_BACKLOG would wait for ever for 'later'",
                (await rig.Refused(joined)).Message,
                StringComparison.Ordinal
            );
        else
            Assert.Single(await joined);
    }

    [Fact]
    public async Task A_quorum_above_the_number_of_tasks_that_are_waited_for_is_refused()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var refused = await rig.Refused(
            rig.Add(
                ticket,
                TaskRig.New("a"),
                new
                {
                    task_type = "b",
                    title = "b",
                    depends_on = new[] { "a" },
                    quorum = 5,
                }
            )
        );
        Assert.Equal(
            ("invalid", "'b' has the quorum 5 and waits for 1 task; name more in 'depends_on', or lower it"),
            (refused.Code, refused.Message)
        );
    }

    [Fact]
    public async Task The_snapshot_has_more_open_tasks_than_one_answer_of_a_list()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        await rig.OneTask();
        await rig.Add(ticket, [.. Enumerable.Range(0, 200).Select(i => TaskRig.New($"t{i}"))]);
        Assert.Equal(201, (await rig.Hive.State()).GetProperty("tasks").GetArrayLength());
    }

    [Fact]
    public async Task A_cycle_over_a_thousand_tasks_is_found()
    {
        await using var rig = await TaskRig.Start();
        await rig.Host.CallAsync("workflow_load", new { text = NoTemplates });
        var ticket = await rig.Ticket("PHASE_A", workflow: "Plain");
        long? last = null;
        List<long> all = [];
        for (var part = 0; part < 5; part++)
        {
            var first = last;
            var ids = await rig.Add(
                ticket,
                [
                    .. Enumerable
                        .Range(0, 200)
                        .Select(i =>
                            TaskRig.New(
                                $"t{i}",
                                i > 0 ? [$"t{i - 1}"]
                                    : first is { } on ? [on]
                                    : []
                            )
                        ),
                ]
            );
            last = ids[^1];
            all.AddRange(ids);
        }

        var refused = await rig.Refused(
            rig.Host.CallAsync(
                "change_task",
                new
                {
                    id = all[0],
                    action = "depend",
                    depends_on = all[^1],
                }
            )
        );
        Assert.Equal("conflict", refused.Code);
        Assert.StartsWith($"these tasks would wait for each other: {all[0]} → {all[^1]} →", refused.Message);
        var full = await rig.Refused(rig.Add(ticket, TaskRig.New("more")));
        Assert.Contains("has 1000 tasks; the limit is 1000", full.Message, StringComparison.Ordinal);
        var graph = (await rig.Host.CallAsync("task_graph", new { ticket })).GetProperty("graph");
        Assert.Equal(1000, graph.GetProperty("critical_path").GetArrayLength());
    }

    // No template needs a place among the thousand.
    private const string NoTemplates = """
        name: Plain
        phases:
          - { id: PHASE_A, name: A, status: building, allowed_transitions: [PHASE_DONE] }
          - { id: PHASE_DONE, name: Done, status: done, terminal: true }
        board_columns:
          - { id: a, name: A, phase_mapping: [PHASE_A] }
          - { id: done, name: Done, phase_mapping: [PHASE_DONE], terminal: true }
        """;

    [Fact]
    public async Task The_list_of_ready_tasks_is_full_while_the_queue_is_ahead_of_the_reader()
    {
        await using var rig = await TaskRig.Start();
        var ids = await rig.Add(await rig.Ticket(), [.. "abcde".Select(c => TaskRig.New($"{c}"))]);
        // As a reader sees it that began before these became ready.
        await rig.Change(write =>
            write.Db.Execute("UPDATE tasks SET holds = 128 WHERE id IN (@a, @b)", new { a = ids[0], b = ids[1] })
        );
        var ready = await rig.Host.CallAsync("list_work", new { what = "ready", limit = 2 });
        Assert.Equal(ids[2..4], ready.GetProperty("tasks").EnumerateArray().Select(task => task.Number("id")));
        ready = await rig.Host.CallAsync("list_work", new { what = "ready", limit = 4 });
        Assert.Equal(ids[2..], ready.GetProperty("tasks").EnumerateArray().Select(task => task.Number("id")));
    }

    [Fact]
    public async Task A_thousand_ready_tasks_hide_no_other_and_all_are_in_the_snapshot()
    {
        await using var rig = await TaskRig.Start();
        var urgent = (
            await rig.Add(
                await rig.Ticket(),
                new
                {
                    task_type = "a",
                    title = "urgent",
                    priority = "CRITICAL",
                }
            )
        )[0];
        await rig.Copy(urgent, 999);
        await rig.Restart();
        await rig.Add(
            await rig.Ticket("PHASE_TESTING"),
            new
            {
                task_type = "rare",
                title = "rare",
                priority = "LOW",
                capabilities = new[] { "cobol" },
            }
        );
        var all = await rig.Read<long>("SELECT count(*) FROM tasks WHERE holds = 0");
        var ready = await rig.Host.CallAsync("list_work", new { what = "ready", phase_id = "PHASE_TESTING" });
        Assert.Contains(ready.GetProperty("tasks").EnumerateArray(), task => task.Text("title") == "rare");
        using var http = rig.Hive.Http();
        var assigned = await http.PostAsync("/api/v1/scheduler/assign", null);
        var left = await assigned.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((0, all), (left.Number("assignments_made"), left.Number("total_ready")));

        Assert.Equal(1000, (await rig.Hive.State()).GetProperty("tasks").GetArrayLength());
        var listed = await rig.Host.CallAsync("tasks", new { limit = 1000 });
        Assert.Equal(200, listed.GetProperty("tasks").GetArrayLength());
        var rest = await http.GetFromJsonAsync<JsonElement>("/api/v1/tasks?limit=1000");
        Assert.Equal(200, rest.GetArrayLength());
    }

    [Fact]
    public async Task A_quorum_is_a_word_or_a_number()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        object Join(object quorum) =>
            new
            {
                task_type = "join",
                title = "join",
                depends_on = new[] { "a", "b", "c" },
                quorum,
            };
        var ids = await rig.Add(
            ticket,
            TaskRig.New("a"),
            TaskRig.New("b"),
            TaskRig.New("c"),
            Join(2),
            Join("2"),
            Join("majority")
        );
        string[] shown =
        [
            .. await Task.WhenAll(
                ids[3..].Select(async id => (await rig.Task(id)).GetProperty("deps").GetProperty("quorum").GetRawText())
            ),
        ];
        Assert.Equal(["2", "2", "\"majority\""], shown);
        using var http = rig.Hive.Http();
        foreach (var quorum in new object[] { 2.5, 101 })
        {
            var refused = await rig.Refused(rig.Add(ticket, TaskRig.New("x"), Join(quorum)));
            Assert.Equal("invalid", refused.Code);
            Assert.Contains("quorum", refused.Message, StringComparison.Ordinal);
        }

        var made = await http.PostAsJsonAsync(
            "/api/v1/tasks",
            new
            {
                ticket_id = ticket,
                task_type = "join",
                depends_on = ids[..3],
                quorum = 3,
                review = "validator",
            }
        );
        var row = await made.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((3, "validator"), (row.GetProperty("deps").Number("quorum"), row.Text("review")));
    }

    [Fact]
    public async Task A_task_of_another_ticket_cannot_be_waited_for()
    {
        await using var rig = await TaskRig.Start();
        var other = await rig.OneTask();
        var ticket = await rig.Ticket();
        var own = (await rig.Add(ticket, TaskRig.New("own")))[0];
        var depend = new
        {
            id = own,
            action = "depend",
            depends_on = other,
        };
        foreach (
            var call in new Func<Task>[]
            {
                () => rig.Add(ticket, TaskRig.New("a", other)),
                () => rig.Host.CallAsync("change_task", depend),
            }
        )
        {
            var refused = await rig.Refused(call());
            Assert.Equal("invalid", refused.Code);
            Assert.Contains("link the tickets", refused.Message, StringComparison.Ordinal);
        }

        Assert.Equal(
            (2, 0),
            (await rig.Read<long>("SELECT count(*) FROM tasks"), await rig.Read<long>("SELECT count(*) FROM task_deps"))
        );
    }

    [Fact]
    public async Task A_dependency_that_is_named_twice_counts_once()
    {
        await using var rig = await TaskRig.Start();
        var ids = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b", "a", "a"));
        Assert.Equal(1, (await rig.Task(ids[1])).GetProperty("deps").Number("total"));
        Assert.Equal(1, await rig.Read<long>("SELECT dependents FROM tasks WHERE id = @id", new { id = ids[0] }));
    }

    [Fact]
    public async Task A_task_that_waits_for_ended_ones_counts_them_at_once()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var done = (await rig.Add(ticket, TaskRig.New("done")))[0];
        await rig.Host.CallAsync("change_task", new { id = done, action = "skip" });
        var ready = (await rig.Add(ticket, TaskRig.New("ready", done)))[0];
        Assert.Empty((await rig.Task(ready)).Holds());
    }

    [Theory]
    [InlineData("{\"task_type\":\"a\",\"title\":\" \"}", "'title' is empty")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"priority\":\"high\"}", "'priority' can be CRITICAL, HIGH")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"phase_id\":\"PHASE_MOON\"}", "there are PHASE_BACKLOG")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"timeout_seconds\":0}", "'timeout_seconds' must be from 1")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"quorum\":\"most\"}", "'quorum' can be all, first")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"depends_on\":[\"x\"]}", "neither a task's id nor a 'ref'")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"review\":\"me\"}", "'review' can be 'validator'")]
    [InlineData("null", "tasks[0]: is null")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"capabilities\":[null]}", "'capabilities[0]' is null")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"locks\":[\"repo:a\",null]}", "'locks[1]' is null")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"description\":\"\\u0000\"}", "contains a NUL character")]
    public async Task A_malformed_task_is_refused_with_what_would_be_right(string task, string fault)
    {
        var rig = await AllRows.Share(() => TaskRig.Start());
        var ticket = await rig.Ticket();
        var refused = await rig.Refused(
            rig.Host.CallAsync("add_tasks", new { ticket, tasks = new[] { JsonElement.Parse(task) } })
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task Half_of_a_surrogate_pair_is_invalid_in_dependencies_and_in_outputs()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var task = (await rig.Add(ticket, TaskRig.New("one")))[0];
        await rig.Run(task, "alice");
        var tasks = """[{"task_type":"a","title":"t","depends_on":["\ud800"]}]""";
        foreach (
            var (agent, line) in new[]
            {
                ("manager", $$"""{"cmd":"add_tasks","ticket":{{ticket}},"tasks":{{tasks}}}"""),
                ("alice", """{"cmd":"complete_task","summary":"done","outputs":{"a":"\ud800"}}"""),
            }
        )
        {
            using var raw = await RawLine.Connect(rig.Hive.AgentSocket(agent));
            await raw.Write(line + "\n");
            var answer = (await raw.Read())!.Value;
            Assert.Equal("invalid", answer.Text("code"));
            Assert.Contains("unpaired surrogate", answer.Text("error"), StringComparison.Ordinal);
        }

        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Fact]
    public async Task A_title_of_501_characters_and_201_tasks_are_over_the_limits()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var title = await rig.Refused(rig.Add(ticket, TaskRig.New(new string('x', 501))));
        Assert.Contains("the limit is", title.Message, StringComparison.Ordinal);
        var many = await rig.Refused(rig.Add(ticket, [.. Enumerable.Range(0, 201).Select(i => TaskRig.New($"t{i}"))]));
        Assert.Contains("201 entries; the limit is 200", many.Message, StringComparison.Ordinal);
        var edges = await rig.Refused(
            rig.Add(
                ticket,
                [
                    .. Enumerable.Range(0, 101).Select(i => TaskRig.New($"t{i}")),
                    TaskRig.New("last", [.. Enumerable.Range(0, 101).Select(i => (object)$"t{i}")]),
                ]
            )
        );
        Assert.Contains("waits for 101 tasks; the limit is 100", edges.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_repeated_call_with_a_key_makes_nothing_again()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var call = new
        {
            ticket,
            tasks = new[] { TaskRig.New("a") },
            key = "k",
        };
        await rig.Host.CallAsync("add_tasks", call);
        await rig.Host.CallAsync("add_tasks", call);
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM tasks"));
        using var http = rig.Hive.Http();
        var body = new
        {
            ticket_id = ticket,
            task_type = "a",
            key = "r",
        };
        var first = await http.PostAsJsonAsync("/api/v1/tasks", body);
        var again = await http.PostAsJsonAsync("/api/v1/tasks", body);
        Assert.Equal(await first.Content.ReadAsStringAsync(), await again.Content.ReadAsStringAsync());
        Assert.Equal(2, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_limit_out_of_range_is_taken_as_the_nearest_one()
    {
        await using var rig = await TaskRig.Start();
        await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        Assert.Equal(1, Count(await rig.Host.CallAsync("tasks", new { limit = 0 })));
        Assert.Equal(2, Count(await rig.Host.CallAsync("tasks", new { limit = 100_000 })));
        Assert.Equal(1, Count(await rig.Host.CallAsync("list_work", new { what = "tasks", limit = -5 })));
        Assert.Equal(2, Count(await rig.Host.CallAsync("list_work", new { what = "tasks", limit = 101 })));
        using var http = rig.Hive.Http();
        foreach (var path in (string[])["tasks", "scheduler/ready-tasks"])
        {
            var list = await http.GetStringAsync($"/api/v1/{path}?limit=0");
            Assert.Equal(1, JsonElement.Parse(list).GetArrayLength());
        }

        static int Count(JsonElement answer) => answer.GetProperty("tasks").GetArrayLength();
    }

    [Fact]
    public async Task An_ended_ticket_and_one_that_waits_for_approval_take_no_tasks()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket("PHASE_REQUIREMENTS");
        await rig.Change(write =>
        {
            write.Db.Execute("DELETE FROM tasks");
            write.Db.Execute("UPDATE test_tickets SET approval = 'pending_review'");
        });
        var unapproved = await rig.Refused(rig.Add(ticket, TaskRig.New("a")));
        Assert.Equal("conflict", unapproved.Code);
        Assert.Contains("approve it first", unapproved.Message, StringComparison.Ordinal);
        using var http = rig.Hive.Http();
        var rest = await http.PostAsJsonAsync("/api/v1/tasks", new { ticket_id = ticket, task_type = "a" });
        var generated = await http.PostAsync($"/api/v1/tickets/{ticket}/generate-tasks", null);
        Assert.Equal((HttpStatusCode.Conflict, HttpStatusCode.Conflict), (rest.StatusCode, generated.StatusCode));
        await rig.Change(write => write.Db.Execute("UPDATE test_tickets SET approval = 'approved'"));
        await rig.Move(ticket, "PHASE_DONE");
        Assert.Equal("conflict", (await rig.Refused(rig.Add(ticket, TaskRig.New("a")))).Code);
    }
}
