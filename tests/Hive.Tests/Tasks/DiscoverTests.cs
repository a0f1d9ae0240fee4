using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Dapper;
using Hive.Common.Storage;
using Hive.Features.Tasks;
using Microsoft.Extensions.DependencyInjection;
using static System.StringComparison;

namespace Hive.Tests.Tasks;

public sealed class DiscoverTests
{
    private static readonly string[] Types =
    [
        "bug",
        "optimization",
        "clarification_needed",
        "new_component",
        "security_issue",
        "performance_issue",
        "missing_requirement",
        "integration_issue",
        "technical_debt",
    ];

    [Theory]
    [InlineData(true, false, false, "discoveries_ticket (ticket=? AND id<?)")]
    [InlineData(false, true, false, "discoveries_type (type=? AND id<?)")]
    [InlineData(false, false, true, "discoveries_status (status=? AND id<?)")]
    [InlineData(false, true, true, "discoveries_status (status=? AND id<?)")]
    [InlineData(false, false, false, "INTEGER PRIMARY KEY (rowid<?)")]
    public async Task A_list_of_discoveries_searches_by_its_filter(bool ticket, bool type, bool status, string by)
    {
        await using var rig = await TaskRig.Start();
        var plan = await rig
            .Hive.Services.GetRequiredService<IStore>()
            .Read(db =>
                db.Query<(long, long, long, string Detail)>(
                        "EXPLAIN QUERY PLAN " + DiscoveryTable.RowsSql(ticket, type, status),
                        new
                        {
                            ticket = 1,
                            type = "bug",
                            status = "open",
                            task = (long?)null,
                            before = long.MaxValue,
                            most = 50,
                        }
                    )
                    .Select(row => row.Detail)
                    .ToArray()
            );
        Assert.Contains(plan, step => step.StartsWith("SEARCH d ", Ordinal) && step.EndsWith(by, Ordinal));
        Assert.DoesNotContain(plan, step => step.Contains("SCAN", Ordinal) || step.Contains("B-TREE", Ordinal));
    }

    [Fact]
    public async Task Discoveries_of_the_nine_types_are_recorded_and_announced()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        var events = await rig.Hive.Events();
        foreach (var type in Types)
        {
            var answer = await alice.CallAsync(
                "discover",
                new
                {
                    type,
                    description = "It fails.",
                    data = new { line = 7 },
                }
            );
            var view = answer.GetProperty("discovery");
            Assert.False(answer.TryGetProperty("task", out _));
            Assert.Equal(
                (type, "open", "alice", task, 7),
                (
                    view.Text("type"),
                    view.Text("status"),
                    view.Text("by"),
                    view.Number("source_task"),
                    view.GetProperty("data").Number("line")
                )
            );
            Assert.Equal(
                view.Number("id"),
                (await events.Next("discovery_changed")).GetProperty("discovery").Number("id")
            );
        }

        Assert.Equal(Types.Reverse(), (await All(rig, new { task })).Select(d => d.Text("type")));
        Assert.Equal("running", (await rig.Task(task)).Text("status"));
    }

    [Theory]
    [InlineData("{\"type\":\"idea\",\"description\":\"d\"}", "'type' can be bug, optimization")]
    [InlineData("{\"type\":\"bug\",\"description\":\" \"}", "'description' is empty")]
    [InlineData("{\"type\":\"bug\",\"description\":\"d\",\"blocks_me\":true}", "'blocks_me' needs 'spawn'")]
    [InlineData("{\"type\":\"bug\",\"description\":\"d\",\"spawn\":{\"title\":\"\"}}", "'spawn': 'title' is empty")]
    [InlineData(
        "{\"type\":\"bug\",\"description\":\"d\",\"spawn\":{\"title\":\"t\",\"phase_id\":\"PHASE_X\"}}",
        "spawn: 'software_development' does not have the phase 'PHASE_X'"
    )]
    [InlineData(
        "{\"type\":\"bug\",\"description\":\"d\",\"spawn\":{\"title\":\"t\",\"priority\":\"high\"}}",
        "'priority' can be CRITICAL"
    )]
    public async Task A_wrong_discovery_is_refused_and_changes_nothing(string call, string error)
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Run(await rig.OneTask(), "alice");
        var refused = await rig.Refused(alice.CallAsync("discover", JsonElement.Parse(call)));
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(error, refused.Message, StringComparison.Ordinal);
        Assert.Empty(await All(rig));
        Assert.Equal(1, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_discovery_branches_a_task_into_any_phase_with_its_priority()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket("PHASE_TESTING");
        var source = (await rig.Add(ticket, TaskRig.New("a")))[0];
        await rig.Run(source, "alice");
        var given = await Spawn(alice, new { title = "a", priority = "LOW" }, boost: true);
        var usual = await Spawn(alice, new { title = "b" });
        var boosted = await Spawn(alice, new { title = "c", phase_id = TaskRig.Plain }, boost: true);
        var ahead = await Spawn(alice, new { title = "d", phase_id = "PHASE_DEPLOYMENT" });
        var from = (await rig.Task(source)).Text("priority")!;
        string[] words = ["LOW", "MEDIUM", "HIGH", "CRITICAL"];
        var above = words[Math.Min(3, Array.IndexOf(words, from) + 1)];
        Assert.Equal(("LOW", from, above), (given.Text("priority"), usual.Text("priority"), boosted.Text("priority")));
        Assert.Equal(
            ("discovery_bug", "It fails.", source, 1),
            (
                usual.Text("task_type"),
                (await rig.Task(usual.Number("id"))).Text("description"),
                usual.Number("parent"),
                usual.Number("depth")
            )
        );
        // The task of an earlier phase can begin; that of a later one waits.
        Assert.Empty(boosted.Holds());
        Assert.Equal(["phase"], ahead.Holds());
        var edges = (await rig.Host.CallAsync("task_graph", new { ticket })).GetProperty("graph").GetProperty("edges");
        Assert.Equal(
            new[] { given, usual, boosted, ahead }.Select(t => (source, t.Number("id"))),
            edges
                .EnumerateArray()
                .Where(e => e.Text("kind") == "discovery")
                .Select(e => (e.Number("from"), e.Number("to")))
        );
    }

    [Fact]
    public async Task A_discovery_follows_its_task_and_ends_once()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var bob = await rig.Worker("bob");
        await rig.Run(await rig.OneTask(), "alice");
        var task = (await Spawn(alice, new { title = "fix" })).Number("id");
        var id = (await All(rig)).Single().Number("id");
        var events = await rig.Hive.Events();
        await rig.Run(task, "bob");
        Assert.Equal("in_progress", (await events.Next("discovery_changed")).GetProperty("discovery").Text("status"));
        await bob.CallAsync("fail_task", new { reason = "flaky" });
        Assert.Equal("in_progress", (await All(rig)).Single().Text("status"));
        rig.Pass(600);
        await rig.Until(task, row => row.Holds().Length == 0);
        foreach (var message in await rig.Messages("bob"))
            await bob.CallAsync("ack", new { id = message.Number("id") });
        await rig.Run(task, "bob");
        await bob.CallAsync("complete_task", new { summary = "fixed" });
        var end = (await events.Next("discovery_changed")).GetProperty("discovery");
        Assert.Equal(("resolved", "bob"), (end.Text("status"), end.Text("resolved_by")));
        var refused = await rig.Refused(rig.Host.CallAsync("discovery_resolve", new { id, status = "invalid" }));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("is resolved since", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Operator_and_manager_resolve_discoveries_and_mark_them_invalid()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var manager = await rig.Connect("manager");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        foreach (var type in (string[])["bug", "optimization"])
            await alice.CallAsync("discover", new { type, description = "It fails." });
        var ids = (await All(rig)).Select(d => d.Number("id")).Order().ToArray();
        var answer = await rig.Host.CallAsync("discovery_resolve", new { id = ids[0] });
        Assert.Equal("operator", answer.GetProperty("discovery").Text("resolved_by"));
        var listed = (await manager.CallAsync("list_work", new { what = "discoveries" })).GetProperty("discoveries");
        Assert.Equal(2, listed.GetArrayLength());
        object Change(long id, long discovery) =>
            new
            {
                id,
                action = "invalidate",
                discovery,
            };
        var other = await rig.OneTask();
        Assert.Equal("invalid", (await rig.Refused(manager.CallAsync("change_task", Change(other, ids[1])))).Code);
        await manager.CallAsync("change_task", Change(task, ids[1]));
        Assert.Equal(
            [("invalid", "manager"), ("resolved", "operator")],
            (await All(rig)).Select(d => (d.Text("status")!, d.Text("resolved_by")!))
        );
        Assert.Equal("unknown_command", (await rig.Refused(alice.CallAsync("discovery_resolve", new { id = 1 }))).Code);
    }

    [Fact]
    public async Task A_discovery_that_blocks_its_task_sends_that_back_uncounted()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Worker("bob");
        var source = await rig.OneTask();
        var turn = await rig.Run(source, "alice");
        var call = new
        {
            type = "missing_requirement",
            description = "Which login?",
            spawn = new { title = "Find out" },
            blocks_me = true,
            key = "k",
        };
        var answer = await alice.CallAsync("discover", call);
        var task = answer.GetProperty("task").Number("id");
        var row = await rig.Task(source);
        Assert.Equal(
            ("pending", 0, 0, "dependency"),
            (row.Text("status"), row.Number("retry_count"), row.Number("faults"), row.Holds().Single())
        );
        Assert.Equal([task], row.GetProperty("depends_on").EnumerateArray().Select(id => id.GetInt64()));
        Assert.Equal("cancelled", row.GetProperty("runs")[0].Text("end"));
        // A repeated call has the same answer, and other calls are told that the task is gone.
        Assert.Equal(answer.GetRawText(), (await alice.CallAsync("discover", call)).GetRawText());
        Assert.Equal(
            "conflict",
            (await rig.Refused(alice.CallAsync("complete_task", new { task = source, summary = "s" }))).Code
        );
        await rig.EndTurn("alice", turn);
        Assert.Empty(await rig.Messages("alice"));
        await rig.Run(task, "bob");
        await rig.Of("bob").CallAsync("complete_task", new { summary = "By mail." });
        Assert.Empty((await rig.Task(source)).Holds());
        await rig.Run(source, "alice");
        var results = (await alice.CallAsync("get_work")).GetProperty("brief").GetProperty("results");
        Assert.Equal("By mail.", results[0].GetProperty("result").Text("summary"));
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_task_that_began_by_its_quorum_waits_for_what_blocks_it()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var ids = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b"), JoinTests.Work("c", "first", "a", "b"));
        await rig.Host.CallAsync("change_task", new { id = ids[0], action = "skip" });
        await rig.Run(ids[2], "alice");
        var task = (
            await alice.CallAsync(
                "discover",
                new
                {
                    type = "bug",
                    description = "It fails.",
                    spawn = new { title = "fix" },
                    blocks_me = true,
                }
            )
        ).GetProperty("task").Number("id");
        var row = await rig.Task(ids[2]);
        Assert.Equal(["dependency"], row.Holds());
        Assert.Equal([ids[0], task], row.GetProperty("depends_on").EnumerateArray().Select(id => id.GetInt64()));
        await TicketSeamsTests.Recount(rig);
    }

    [Fact]
    public async Task A_task_of_a_held_ticket_may_wait_for_what_it_discovered()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var source = await rig.OneTask();
        await rig.Run(source, "alice");
        await rig.Write(write => rig.Tickets.Block(write, 1, "environment", "no disk", "operator"));
        await alice.CallAsync(
            "discover",
            new
            {
                type = "bug",
                description = "It fails.",
                spawn = new { title = "fix" },
                blocks_me = true,
            }
        );
        Assert.Equal(["dependency", "ticket"], (await rig.Task(source)).Holds().Order());
    }

    [Fact]
    public async Task A_task_may_not_wait_for_one_in_a_phase_ahead()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var source = await rig.OneTask();
        await rig.Run(source, "alice");
        var refused = await rig.Refused(
            alice.CallAsync(
                "discover",
                new
                {
                    type = "bug",
                    description = "It fails.",
                    spawn = new { title = "fix", phase_id = "PHASE_TESTING" },
                    blocks_me = true,
                }
            )
        );
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("would wait for ever", refused.Message, StringComparison.Ordinal);
        Assert.Equal("running", (await rig.Task(source)).Text("status"));
        Assert.Empty(await All(rig));
    }

    [Fact]
    public async Task Of_a_thousand_discoveries_a_ticket_keeps_fifty()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        await rig.Run(await rig.OneTask(), "alice");
        var refused = 0;
        for (var i = 0; i < 1000; i++)
        {
            try
            {
                await Find(alice);
            }
            catch (Hive.Protocol.HiveException e)
            {
                Assert.Equal("conflict", e.Code);
                Assert.Contains("has 50 discoveries, which is the limit", e.Message, StringComparison.Ordinal);
                refused++;
            }
        }

        Assert.Equal((950, 50), (refused, (await All(rig)).Length));
        // One that does not matter makes room.
        await rig.Host.CallAsync(
            "discovery_resolve",
            new { id = (await All(rig))[0].Number("id"), status = "invalid" }
        );
        await Find(alice);
        await rig.Refused(Find(alice));
    }

    [Fact]
    public async Task The_sixth_discovery_in_a_row_makes_no_task()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice");
        var task = await rig.OneTask();
        for (var depth = 1; depth <= 5; depth++)
        {
            await rig.Run(task, "alice");
            var next = await Spawn(alice, new { title = "deeper" });
            Assert.Equal(depth, next.Number("depth"));
            await Finish(rig, task);
            task = next.Number("id");
        }

        await rig.Run(task, "alice");
        var refused = await rig.Refused(Spawn(alice, new { title = "deeper" }));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("the limit is 5", refused.Message, StringComparison.Ordinal);
        Assert.Equal(5, (await All(rig)).Length);
        await Find(alice);
    }

    [Fact]
    public async Task An_agents_discoveries_make_sixty_tasks_an_hour()
    {
        await using var rig = await TaskRig.Start();
        var alice = await rig.Worker("alice", "capacity: 3");
        long[] sources = [await rig.OneTask(), await rig.OneTask()];
        foreach (var source in sources)
        {
            await rig.Give(source, "alice");
            for (var i = 0; i < 30; i++)
                await Spawn(alice, new { title = "fix" }, source: source);
        }

        var refused = await rig.Refused(Spawn(alice, new { title = "fix" }, source: sources[1]));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("the limit is 60", refused.Message, StringComparison.Ordinal);
        rig.Pass(3601);
        var late = await rig.OneTask();
        await rig.Give(late, "alice");
        await Spawn(alice, new { title = "fix" }, source: late);
    }

    [Fact]
    public async Task Discoveries_are_recorded_branched_listed_and_resolved_over_rest()
    {
        await using var rig = await TaskRig.Start();
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        var source = (await rig.Add(ticket, TaskRig.New("a")))[0];
        var recorded = await Post(
            "record",
            new
            {
                source_task_id = source,
                discovery_type = "technical_debt",
                description = "It is old.",
                metadata = new { files = 3 },
            }
        );
        Assert.Equal(
            ("technical_debt", "open", "operator", 0, 3),
            (
                recorded.Text("discovery_type"),
                recorded.Text("resolution_status"),
                recorded.Text("by"),
                recorded.GetProperty("spawned_task_ids").GetArrayLength(),
                recorded.GetProperty("data").Number("files")
            )
        );
        var branched = await Post(
            "branch",
            new
            {
                source_task_id = source,
                discovery_type = "bug",
                description = "It fails.\nAt night.",
                spawn_phase_id = TaskRig.Plain,
                priority_boost = true,
            }
        );
        var task = branched.GetProperty("task");
        Assert.Equal(("It fails.", source), (task.Text("title"), task.Number("parent_task_id")));
        var list = await http.GetFromJsonAsync<JsonElement>($"/api/v1/discoveries?ticket_id={ticket}&status=open");
        Assert.Equal(["bug", "technical_debt"], list.EnumerateArray().Select(d => d.Text("type")));
        var id = recorded.Number("id");
        var resolved = await Post($"{id}/resolve", new { }, HttpStatusCode.OK);
        Assert.Equal("resolved", resolved.Text("status"));
        await Post($"{id}/resolve", new { status = "invalid" }, HttpStatusCode.Conflict);
        await Post("99/resolve", new { }, HttpStatusCode.NotFound);
        await Post(
            "record",
            new
            {
                source_task_id = 99,
                discovery_type = "bug",
                description = "d",
            },
            HttpStatusCode.NotFound
        );
        await rig.Write(write =>
        {
            rig.Tickets.Delete(write, ticket);
            return 0;
        });
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM discoveries"));

        async Task<JsonElement> Post(string route, object body, HttpStatusCode status = HttpStatusCode.Created)
        {
            var answer = await http.PostAsJsonAsync($"/api/v1/discoveries/{route}", body);
            Assert.Equal(status, answer.StatusCode);
            return await answer.Content.ReadFromJsonAsync<JsonElement>();
        }
    }

    private static Task<JsonElement> Find(Hive.Protocol.LineClient agent) =>
        agent.CallAsync("discover", new { type = "bug", description = "It fails." });

    private static async Task<JsonElement> Spawn(
        Hive.Protocol.LineClient agent,
        object spawn,
        bool boost = false,
        long? source = null
    ) =>
        (
            await agent.CallAsync(
                "discover",
                new
                {
                    type = "bug",
                    description = "It fails.",
                    spawn,
                    priority_boost = boost,
                    task = source,
                }
            )
        ).GetProperty("task");

    private static async Task Finish(TaskRig rig, long task)
    {
        await rig.Of("alice").CallAsync("complete_task", new { task, summary = "done" });
        foreach (var message in await rig.Messages("alice"))
            await rig.Of("alice").CallAsync("ack", new { id = message.Number("id") });
        rig.Hive.Clock.Advance(TimeSpan.FromSeconds(1));
    }

    private static async Task<JsonElement[]> All(TaskRig rig, object? filter = null) =>
        [
            .. (await rig.Host.CallAsync("discoveries", filter ?? new { limit = 200 }))
                .GetProperty("discoveries")
                .EnumerateArray(),
        ];
}
