using System.Net;
using System.Net.Http.Json;
using System.Text.Json;

namespace Hive.Tests.Tasks;

public sealed class RestTasksTests
{
    [Fact]
    public async Task A_title_made_from_a_description_is_cut_between_characters()
    {
        await using var rig = await TaskRig.Start();
        using var http = rig.Hive.Http();
        var made = await http.PostAsJsonAsync(
            "/api/v1/tasks",
            new
            {
                ticket_id = await rig.Ticket(),
                task_type = "implement_feature",
                description = new string('x', 499) + "😀",
            }
        );
        Assert.Equal(new string('x', 499) + "…", (await made.Content.ReadFromJsonAsync<JsonElement>()).Text("title"));
    }

    [Fact]
    public async Task Tasks_are_made_listed_and_changed_under_upstreams_names()
    {
        await using var rig = await TaskRig.Start();
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        var made = await http.PostAsJsonAsync(
            "/api/v1/tasks",
            new
            {
                ticket_id = ticket,
                task_type = "implement_feature",
                description = "Build it.\nAll of it.",
                priority = "HIGH",
            }
        );
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var first = await made.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(("Build it.", ticket), (first.Text("title"), first.Number("ticket_id")));
        var second = await (
            await http.PostAsJsonAsync(
                "/api/v1/tasks",
                new
                {
                    ticket_id = ticket,
                    task_type = "run_tests",
                    dependencies = new { depends_on = new[] { first.Number("id") } },
                }
            )
        ).Content.ReadFromJsonAsync<JsonElement>();
        var (a, b) = (first.Number("id"), second.Number("id"));
        var list = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tasks?ticket_id={ticket}");
        Assert.Equal([b, a], list.EnumerateArray().Select(t => t.Number("id")));
        foreach (var (query, ids) in new[] { ("", new[] { a, b }), ("?limit=1", [b]), ($"?limit=1&before={b}", [a]) })
            Assert.Equal(
                ids,
                (await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/tasks{query}"))
                    .EnumerateArray()
                    .Select(t => t.Number("id"))
            );
        var edges = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tasks/{a}/dependencies");
        Assert.Equal(b, edges.GetProperty("blocked_tasks")[0].Number("id"));
        var circular = await (
            await http.PostAsJsonAsync($"/api/v1/tasks/{a}/check-circular", new[] { b })
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.True(circular.GetProperty("has_circular_dependency").GetBoolean());
        Assert.Equal([a, b, a], circular.GetProperty("cycle").EnumerateArray().Select(id => id.GetInt64()));
        var closing = await http.PostAsJsonAsync($"/api/v1/tasks/{a}/dependencies", new[] { b });
        Assert.Equal(HttpStatusCode.Conflict, closing.StatusCode);
        var patched = await http.PatchAsJsonAsync($"/api/v1/tasks/{a}", new { priority = "LOW", title = "Other" });
        var row = await patched.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(("LOW", "Other"), (row.Text("priority"), row.Text("title")));
        Assert.Equal(HttpStatusCode.OK, (await http.DeleteAsync($"/api/v1/tasks/{b}/dependencies/{a}")).StatusCode);
        var cancelled = await http.PostAsJsonAsync($"/api/v1/tasks/{a}/cancel", new { });
        Assert.Equal("cancelled_by_request", (await cancelled.Content.ReadFromJsonAsync<JsonElement>()).Text("reason"));
        foreach (
            var (verb, status) in new[]
            {
                ("retry", "pending"),
                ("hold", "pending"),
                ("release", "pending"),
                ("skip", "completed"),
            }
        )
        {
            var answer = await http.PostAsJsonAsync($"/api/v1/tasks/{a}/{verb}", new { });
            Assert.Equal(status, (await answer.Content.ReadFromJsonAsync<JsonElement>()).Text("status"));
        }

        Assert.Equal(HttpStatusCode.NotFound, (await http.GetAsync("/api/v1/tasks/999")).StatusCode);
    }

    [Fact]
    public async Task Times_of_running_tasks_are_told()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        using var http = rig.Hive.Http();
        var task = await rig.OneTask();
        await http.PostAsJsonAsync($"/api/v1/tasks/{task}/set-timeout", new { timeout_seconds = 100 });
        await rig.Run(task, "alice");
        rig.Pass(40);
        var status = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tasks/{task}/timeout-status");
        Assert.Equal(
            (40, 60),
            (status.GetProperty("elapsed_seconds").GetDouble(), status.GetProperty("time_remaining").GetDouble())
        );
        Assert.False(status.GetProperty("is_timed_out").GetBoolean());
        var running = await http.GetFromJsonAsync<JsonElement>("/api/v1/tasks/cancellable?agent_id=alice");
        Assert.Equal(task, running[0].Number("id"));
        Assert.Equal(0, (await http.GetFromJsonAsync<JsonElement>("/api/v1/tasks/timed-out")).GetArrayLength());
        rig.Pass(61);
        await rig.Until(task, row => row.Number("retry_count") == 1);
        var cleaned = await (
            await http.PostAsync("/api/v1/tasks/cleanup-timed-out", null)
        ).Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal((1, 0), (cleaned.Number("cleaned_count"), cleaned.Number("total_timed_out")));
    }

    [Fact]
    public async Task The_state_of_the_graph_is_told()
    {
        await using var rig = await TaskRig.Start();
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        var ids = await rig.Add(ticket, TaskRig.New("a"), TaskRig.New("b", "a"), TaskRig.New("c"));
        var dag = await http.GetFromJsonAsync<JsonElement>("/api/v1/scheduler/dag-status");
        Assert.Equal((3, 2, 1), (dag.Number("total_pending"), dag.Number("ready_count"), dag.Number("blocked_count")));
        var graph = await http.GetFromJsonAsync<JsonElement>($"/api/v1/tickets/{ticket}/graph");
        Assert.Equal(ids[..2], graph.GetProperty("critical_path").EnumerateArray().Select(id => id.GetInt64()));
        var edge = graph.GetProperty("edges")[0];
        Assert.Equal((ids[0], ids[1], "dependency"), (edge.Number("from"), edge.Number("to"), edge.Text("kind")));
        Assert.All(graph.GetProperty("nodes").EnumerateArray(), node => Assert.Equal(ticket, node.Number("ticket_id")));
        var same = await http.GetFromJsonAsync<JsonElement>($"/api/v1/graph/{ticket}");
        Assert.Equal(graph.GetRawText(), same.GetRawText());
        await rig.Worker("alice");
        for (var run = 0; run < 2; run++)
        {
            await rig.Give(ids[0], "alice");
            await http.PostAsJsonAsync($"/api/v1/tasks/{ids[0]}/cancel", new { });
            await http.PostAsJsonAsync($"/api/v1/tasks/{ids[0]}/retry", new { });
        }

        foreach (var (query, numbers) in new[] { ("", new[] { 2L, 1 }), ("?limit=1", [2]), ("?before=2", [1]) })
            Assert.Equal(
                numbers.Select(number => (number, ids[0], "alice")),
                (await http.GetFromJsonAsync<JsonElement>($"/api/v1/tasks/{ids[0]}/runs{query}"))
                    .EnumerateArray()
                    .Select(r => (r.Number("id"), r.Number("task_id"), r.Text("agent_id")!))
            );
        var assigned = await http.PostAsync("/api/v1/scheduler/assign", null);
        Assert.Equal(0, (await assigned.Content.ReadFromJsonAsync<JsonElement>()).Number("assignments_made"));
    }
}
