using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Containers;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Making;

/// <summary>Tests making an agent in one step.</summary>
public sealed class MakeAgentTests
{
    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task An_agent_made_in_one_step_runs_with_its_role_and_answers_its_first_message()
    {
        await using var fleet = await Fleet.Start("process");
        var (hive, http) = (fleet.Hive, fleet.Hive.Http());
        var events = await hive.Events();

        var made = await Post(
            http,
            "/api/agents",
            new
            {
                name = "helper",
                driver = "scripted",
                model = "true",
                role = "reviewer",
                first_message = "hello “you”",
                runtime = "process",
            }
        );

        Assert.Equal(
            ("helper", "process", true),
            (Text(made, "name"), Text(made, "runtime"), made.GetProperty("running").GetBoolean())
        );
        var answer = await Sent(events, "helper", "operator");
        Assert.Equal("I am helper and follow a script. You wrote: “hello “you””.", answer.Body);
        Assert.True(answer.InReplyTo > 0);
        var config = await http.GetFromJsonAsync<JsonElement>("/api/agent-config/helper", Token);
        Assert.EndsWith(
            "driver: scripted\nmodel: \"true\"\nrole: role.md\n",
            Text(config.GetProperty("deployed"), "yaml"),
            StringComparison.Ordinal
        );
        Assert.StartsWith(
            "You review the work of other agents.",
            await File.ReadAllTextAsync(Path.Combine(hive.DataDir, "applied", "helper", "role.md"), Token),
            StringComparison.Ordinal
        );
        Assert.Equal("true", (await fleet.Row("helper")).ActiveModel);
        Assert.Empty((await hive.State()).GetProperty("approvals").EnumerateArray());
    }

    [Fact]
    public async Task A_request_that_cannot_work_is_refused_and_leaves_nothing_behind()
    {
        await using var hive = await HiveFixture.Start();
        var http = hive.Http();
        await hive.Spawn("taken", "former");
        using var host = await hive.Operator();
        await host.CallAsync("destroy", new { name = "former" }, Token);
        Directory.CreateDirectory(Path.Combine(hive.DataDir, "applied", "byhand"));
        var before = (await hive.State()).GetProperty("agents").GetArrayLength();

        await Refused(new { name = "taken" }, HttpStatusCode.Conflict, "already exists");
        await Refused(new { name = "former" }, HttpStatusCode.Conflict, "an earlier agent 'former' is kept");
        await Refused(new { name = "byhand" }, HttpStatusCode.Conflict, "has a configuration already");
        await Refused(new { name = "Upper" }, HttpStatusCode.BadRequest, "name");
        await Refused(new { name = "manager" }, HttpStatusCode.BadRequest, "manager");
        await Refused(new { name = "new", driver = "gpt" }, HttpStatusCode.BadRequest, "claude, command, scripted");
        await Refused(new { name = "new", driver = "command" }, HttpStatusCode.BadRequest, "'command_line'");
        await Refused(new { name = "new", runtime = "qemu" }, HttpStatusCode.BadRequest, "qemu");
        await Refused(new { name = "new", model = new string('m', 201) }, HttpStatusCode.RequestEntityTooLarge, "200");
        await Refused(
            new { name = "new", role = new string('r', 32769) },
            HttpStatusCode.RequestEntityTooLarge,
            "32768"
        );
        await Refused(
            new { name = "new", first_message = new string('m', 4097) },
            HttpStatusCode.RequestEntityTooLarge,
            "4096"
        );

        Assert.Equal(before, (await hive.State()).GetProperty("agents").GetArrayLength());
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "applied", "new")));
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "agents", "new")));

        async Task Refused(object request, HttpStatusCode status, string why)
        {
            using var answer = await http.PostAsJsonAsync("/api/agents", request, Token);
            var text = await answer.Content.ReadAsStringAsync(Token);
            Assert.True(answer.StatusCode == status, text);
            Assert.Contains(why, Text(JsonElement.Parse(text), "title"), StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task All_drivers_and_three_roles_are_listed()
    {
        await using var hive = await HiveFixture.Start();
        var listed = await hive.Http().GetFromJsonAsync<JsonElement>("/api/drivers", Token);

        Assert.Equal(
            ["claude", "command", "scripted"],
            listed.GetProperty("drivers").EnumerateArray().Select(d => Text(d, "name"))
        );
        Assert.All(listed.GetProperty("drivers").EnumerateArray(), d => Assert.NotEqual("", Text(d, "hint")));
        Assert.Equal(
            ["engineer", "reviewer", "researcher"],
            listed.GetProperty("roles").EnumerateArray().Select(r => Text(r, "name"))
        );
    }

    [Fact]
    public async Task Two_agents_for_a_first_look_work_ask_report_once_and_leave_together()
    {
        await using var fleet = await Fleet.Start("process");
        var (hive, http) = (fleet.Hive, fleet.Hive.Http());
        var events = await hive.Events();
        await RefusedToRemove();

        var made = await Post(http, "/api/demo-agents", new { runtime = "process" });
        Assert.Equal(["demo-ann", "demo-bob"], made.GetProperty("names").Deserialize<string[]>()!);
        using (var again = await http.PostAsJsonAsync("/api/demo-agents", new { runtime = "process" }, Token))
            Assert.Equal(HttpStatusCode.Conflict, again.StatusCode);
        var question = (await events.Next("question_added")).GetProperty("question");
        Assert.Equal("demo-ann", Text(question, "asker"));
        var report = await Sent(events, "demo-ann", "operator");
        Assert.StartsWith("demo-bob and I have a plan", report.Body, StringComparison.Ordinal);
        Assert.Equal("/agents/demo-ann/state/notes/plan.md", Path.GetFullPath(Assert.Single(report.FileRefs))[^36..]);
        using var host = await hive.Operator();
        await host.CallAsync(
            "answer",
            new { id = question.GetProperty("id").GetInt64(), answer = "the example" },
            Token
        );
        Assert.Contains("the example", (await Sent(events, "demo-ann", "demo-bob")).Body, StringComparison.Ordinal);
        await Fleet.Row(
            events,
            "demo-ann",
            row => row.StatusText?.StartsWith("done", StringComparison.Ordinal) == true
        );
        Assert.Single((await host.CallAsync("inbox", null, Token)).GetProperty("messages").EnumerateArray());

        await Post(http, "/api/demo-agents/remove", new { });
        var state = await hive.State();
        Assert.Equal("manager", Text(Assert.Single(state.GetProperty("agents").EnumerateArray()), "name"));
        Assert.Empty(state.GetProperty("tombstones").EnumerateArray());
        Assert.False(Directory.Exists(Path.Combine(hive.DataDir, "applied", "demo-ann")));
        // An agent of the operator's own with such a name is not theirs to remove.
        await hive.Spawn("demo-ann");
        await RefusedToRemove();

        async Task RefusedToRemove()
        {
            using var answer = await http.PostAsync("/api/demo-agents/remove", null, Token);
            Assert.Equal(HttpStatusCode.NotFound, answer.StatusCode);
        }
    }

    private static async Task<Message> Sent(EventReader events, string from, string to)
    {
        while (true)
        {
            var message = (await events.Next("sent")).GetProperty("message").Deserialize<Message>(WireJson.Options)!;
            if (message.From == from && message.To == to)
                return message;
        }
    }

    private static async Task<JsonElement> Post(HttpClient http, string route, object request)
    {
        using var answer = await http.PostAsJsonAsync(route, request, Token);
        var text = await answer.Content.ReadAsStringAsync(Token);
        Assert.True(answer.IsSuccessStatusCode, text);
        return JsonElement.Parse(text);
    }

    private static string Text(JsonElement element, string member) => element.GetProperty(member).GetString()!;
}
