using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Tasks;

namespace Hive.Tests.Collaboration;

public sealed class CollaborationRestTests
{
    private const string Root = "/api/v1/collaboration";

    [Fact]
    public async Task Threads_and_messages_have_upstreams_routes_and_names()
    {
        await using var rig = await TaskRig.Start();
        var (alice, _) = (await rig.Worker("alice"), await rig.Worker("bob"));
        using var http = rig.Hive.Http();
        var ticket = await rig.Ticket();
        var thread = await Answer(
            http.PostAsJsonAsync(
                $"{Root}/threads",
                new
                {
                    thread_type = "review",
                    participants = new[] { "alice", "bob" },
                    ticket_id = ticket,
                    thread_metadata = new { round = 2 },
                }
            ),
            HttpStatusCode.Created
        );
        var id = thread.Number("thread_id");
        Assert.Equal(
            ("review", "active", ticket),
            (thread.Text("thread_type"), thread.Text("status"), thread.Number("ticket_id"))
        );
        Assert.Equal(["alice", "bob"], thread.Names("participants"));
        Assert.Equal(2, thread.GetProperty("thread_metadata").Number("round"));
        var message = await Answer(
            http.PostAsJsonAsync(
                $"{Root}/messages",
                new
                {
                    thread_id = id,
                    from_agent_id = "operator",
                    to_agent_id = "bob",
                    message_type = "question",
                    content = "Is it ready?",
                    message_metadata = new { urgent = true },
                }
            ),
            HttpStatusCode.Created
        );
        Assert.Equal(
            ("operator", "bob", "question", "Is it ready?"),
            (
                message.Text("from_agent_id"),
                message.Text("to_agent_id"),
                message.Text("message_type"),
                message.Text("content")
            )
        );
        Assert.True(message.GetProperty("message_metadata").GetProperty("urgent").GetBoolean());
        Assert.False(message.TryGetProperty("read_at", out _));
        Assert.Equal("bob", (await rig.ReadNews("alice")).Single().Text("to"));
        await rig.ReadNews("bob");
        var answer = await alice.Post(id, "Yes.");
        var list = await Answer(http.GetAsync($"{Root}/threads/{id}/messages"));
        Assert.Equal(["Yes.", "Is it ready?"], list.EnumerateArray().Select(m => m.Text("content")));
        Assert.True(list[1].TryGetProperty("read_at", out _));
        var unread = await Answer(http.GetAsync($"{Root}/threads/{id}/messages?unread_only=true&limit=5"));
        Assert.Equal(answer.Number("id"), Assert.Single(unread.EnumerateArray()).Number("message_id"));
        var read = await Answer(http.PostAsync($"{Root}/messages/{answer.Number("id")}/read", null));
        Assert.Equal(
            (true, answer.Number("id")),
            (read.GetProperty("success").GetBoolean(), read.Number("message_id"))
        );
        list = await Answer(http.GetAsync($"{Root}/threads/{id}/messages?limit=1"));
        Assert.Equal(["operator"], list[0].Names("read_by"));
        foreach (
            var (query, count) in new[] { ("agent_id=bob", 1), ("status=resolved", 0), ($"ticket_id={ticket}", 1) }
        )
            Assert.Equal(count, (await Answer(http.GetAsync($"{Root}/threads?{query}"))).GetArrayLength());
        var closed = await Answer(http.PostAsync($"{Root}/threads/{id}/close", null));
        Assert.Equal((true, id), (closed.GetProperty("success").GetBoolean(), closed.Number("thread_id")));
        await Answer(http.PostAsync($"{Root}/threads/{id}/close", null), HttpStatusCode.Conflict);
        await Answer(http.PostAsync($"{Root}/threads/{id + 1}/close", null), HttpStatusCode.NotFound);
        await Answer(http.PostAsync($"{Root}/messages/{answer.Number("id") + 1}/read", null), HttpStatusCode.NotFound);
        await Answer(http.GetAsync($"{Root}/threads?status=open"), HttpStatusCode.BadRequest);
        Assert.Contains(
            "'agent_id' is not a valid agent name",
            (await Answer(http.GetAsync($"{Root}/threads?agent_id=B+B"), HttpStatusCode.BadRequest)).GetRawText()
        );
    }

    [Fact]
    public async Task A_sender_that_the_door_does_not_speak_for_is_forbidden()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        using var http = rig.Hive.Http();
        await Answer(
            http.PostAsJsonAsync(
                $"{Root}/messages",
                new
                {
                    thread_id = 1,
                    from_agent_id = "alice",
                    content = "hello",
                }
            ),
            HttpStatusCode.Forbidden
        );
        await Answer(
            http.PostAsync($"{Root}/handoff/1/accept?accepting_agent_id=alice", null),
            HttpStatusCode.Forbidden
        );
        await Answer(
            http.PostAsync($"{Root}/handoff/1/decline?declining_agent_id=alice", null),
            HttpStatusCode.Forbidden
        );
        await Answer(http.PostAsync($"{Root}/handoff/1/accept", null), HttpStatusCode.NotFound);
    }

    [Fact]
    public async Task The_operator_hands_a_running_task_over_and_both_agents_are_told()
    {
        await using var rig = await TaskRig.Start();
        await rig.Worker("alice");
        var task = await rig.OneTask();
        await rig.Run(task, "alice");
        await rig.Helper("bob");
        using var http = rig.Hive.Http();
        var keys = 0;
        object Request(long id) =>
            new
            {
                from_agent_id = "operator",
                to_agent_id = "bob",
                task_id = id,
                reason = "alice is needed elsewhere",
                context = new { branch = "login" },
                key = $"offer {id} {++keys}",
            };
        var request = Request(task);
        var asked = await Answer(http.PostAsJsonAsync($"{Root}/handoff/request", request));
        var same = await Answer(http.PostAsJsonAsync($"{Root}/handoff/request", request));
        Assert.Equal(asked.GetRawText(), same.GetRawText());
        var thread = asked.Number("thread_id");
        var posts = await Answer(http.GetAsync($"{Root}/threads/{thread}/messages"));
        Assert.Equal(
            (asked.Number("message_id"), "handoff_request", "bob"),
            (posts[0].Number("message_id"), posts[0].Text("message_type"), posts[0].Text("to_agent_id"))
        );
        Assert.Equal("handoff_requested", (await rig.ReadNews("alice")).Single().Text("event"));
        var blank = await Answer(
            http.PostAsync($"{Root}/handoff/{thread}/decline?reason=+", null),
            HttpStatusCode.BadRequest
        );
        Assert.Contains("'reason' is empty", blank.GetRawText());
        var declined = await Answer(http.PostAsync($"{Root}/handoff/{thread}/decline?reason=not+now", null));
        Assert.Equal(("handoff_declined", "not now"), (declined.Text("message_type"), declined.Text("content")));
        var again = (await Answer(http.PostAsJsonAsync($"{Root}/handoff/request", Request(task)))).Number("thread_id");
        var accepted = await Answer(http.PostAsync($"{Root}/handoff/{again}/accept", null));
        Assert.Equal(("handoff_accepted", "operator"), (accepted.Text("message_type"), accepted.Text("from_agent_id")));
        Assert.Equal("bob", (await rig.Task(task)).Text("agent"));
        Assert.Equal("handoff_accepted", (await rig.News("alice")).Last().Text("event"));
        Assert.Equal("task_assigned", (await rig.News("bob")).Last().Text("event"));
        await Answer(http.PostAsync($"{Root}/handoff/{again}/accept", null), HttpStatusCode.Conflict);
        var other = await rig.OneTask();
        await rig.Until(other, row => row.Text("status") == "pending");
        await Answer(http.PostAsJsonAsync($"{Root}/handoff/request", Request(other)), HttpStatusCode.Conflict);
        await rig.Legal();
    }

    private static async Task<JsonElement> Answer(
        Task<HttpResponseMessage> call,
        HttpStatusCode status = HttpStatusCode.OK
    )
    {
        using var response = await call;
        var body = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        Assert.True(response.StatusCode == status, $"{response.StatusCode}: {body}");
        return JsonElement.Parse(body);
    }
}
