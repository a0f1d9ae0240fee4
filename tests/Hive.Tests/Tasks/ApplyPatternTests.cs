using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Dapper;

namespace Hive.Tests.Tasks;

public sealed class ApplyPatternTests
{
    private const string Pattern = """
        pattern:
          name: survey
          parameters: { question: text, weight: number, chair: agent, parts: list }
          steps:
            - ref: ask
              for_each: parts
              task_type: ask
              title: "{item}: {question}"
              description: "Weight {weight}; all: {parts}"
            - ref: count
              kind: merge
              depends_on: [ask]
              quorum: 2
              merge_strategy: custom
              fields: [votes]
              timeout_seconds: 60
            - ref: close
              task_type: close
              title: Close
              agent: "{chair}"
              depends_on: [count]
        """;

    [Fact]
    public async Task A_value_that_no_output_can_be_named_like_is_refused()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var text = Pattern.Replace(
            "description: \"Weight {weight}; all: {parts}\"",
            "fields: [\"{item}\"]",
            StringComparison.Ordinal
        );
        await rig.Host.CallAsync("pattern_load", new { text, replace = true });
        var use = Use(await rig.Ticket(), Values("why?"));
        Assert.Equal(4, (await rig.Host.CallAsync("apply_pattern", use)).GetProperty("tasks").GetArrayLength());
        var values = Values("why?");
        values["parts"] = new JsonArray("the roof", "wall");
        var refused = await rig.Refused(rig.Host.CallAsync("apply_pattern", Use(await rig.Ticket(), values)));
        Assert.Contains(
            "'fields' has 'the roof' with these values; a name has 1 to 64 of",
            refused.Message,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task A_pattern_makes_its_tasks_with_values_that_stay_values()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var made = await rig.Host.CallAsync("apply_pattern", Use(ticket, Values("{item} \"why\" {question}?")));
        var tasks = made.GetProperty("tasks").EnumerateArray().ToArray();
        Assert.Equal(
            ["roof: {item} \"why\" {question}?", "wall: {item} \"why\" {question}?", "survey: count", "Close"],
            tasks.Select(t => t.Text("title"))
        );
        Assert.All(tasks, t => Assert.Equal("survey", t.Text("pattern")));
        Assert.Equal("Weight 2.50; all: roof, wall", (await rig.Task(tasks[0].Number("id"))).Text("description"));
        Assert.Equal("ask.2", (await rig.Task(tasks[1].Number("id"))).Text("ref"));
        Assert.Equal(
            ("merge", "custom", 2, 60),
            (
                tasks[2].Text("kind"),
                tasks[2].Text("merge_strategy"),
                tasks[2].GetProperty("deps").Number("quorum"),
                tasks[2].Number("timeout_seconds")
            )
        );
        Assert.Equal(
            tasks[..2].Select(t => t.Number("id")),
            tasks[2].GetProperty("depends_on").EnumerateArray().Select(id => id.GetInt64())
        );
        Assert.Equal("alice", tasks[3].Text("wants_agent"));
        Assert.Empty(tasks[0].Holds());
        await TicketSeamsTests.Recount(rig);
    }

    [Theory]
    [InlineData("question", null, "needs a value for 'question'; its parameters are question (text), weight (number)")]
    [InlineData("question", "7", "needs a text for 'question', and not a number")]
    [InlineData("question", "\" \"", "which is blank")]
    [InlineData("question", "\"a\\nb\"", "step 'ask.1' of pattern 'survey': 'title' must be one line")]
    [InlineData("weight", "\"7\"", "needs a number for 'weight', and not a text")]
    [InlineData("chair", "\"ghost\"", "ghost")]
    [InlineData("parts", "\"roof\"", "needs a list for 'parts', and not a text")]
    [InlineData("parts", "[]", "needs at least one entry in 'parts'")]
    [InlineData("parts", "[1]", "needs a text for 'parts[0]', and not a number")]
    [InlineData("parts", "[\"roof\"]", "step 'count' needs 2 tasks, and waits for 1")]
    [InlineData("other", "1", "does not have the parameter 'other'")]
    public async Task A_wrong_value_is_refused_before_anything_is_stored(string name, string? value, string error)
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var values = Values("Why?");
        values[name] = value is null ? null : JsonNode.Parse(value);
        var refused = await rig.Refused(rig.Host.CallAsync("apply_pattern", Use(ticket, values)));
        Assert.Equal(name == "chair" ? "not_found" : "invalid", refused.Code);
        Assert.Contains(error, refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task The_limits_of_lists_and_tasks_hold_for_patterns()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var values = Values("Why?");
        values["parts"] = new JsonArray([.. Enumerable.Range(0, 101).Select(i => JsonValue.Create($"{i}"))]);
        var refused = await rig.Refused(rig.Host.CallAsync("apply_pattern", Use(ticket, values)));
        Assert.Contains("takes at most 100 entries in 'parts'; 101 were given", refused.Message);
        values["parts"]!.AsArray().RemoveAt(0);
        await rig.Host.CallAsync("apply_pattern", Use(ticket, values));
        Assert.Equal(102, await rig.Read<long>("SELECT count(*) FROM tasks"));
        Assert.Equal(
            "not_found",
            (await rig.Refused(rig.Host.CallAsync("apply_pattern", new { ticket, name = "majority_votes" }))).Code
        );
    }

    [Fact]
    public async Task A_pattern_is_counted_before_it_is_expanded()
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        const string Part = "for_each: parts, task_type: t, title: T";
        // Each step waits for all before it.
        await Load(
            rig,
            "deep",
            Enumerable
                .Range(0, 50)
                .Select(i =>
                    $"ref: s{i}, {Part}, depends_on: [{string.Join(", ", Enumerable.Range(0, i).Select(Ref))}]"
                )
        );
        await Load(rig, "two", [$"ref: a, {Part}", $"ref: b, {Part}"]);
        await Load(
            rig,
            "edges",
            [$"ref: a, {Part}", $"ref: b, {Part}", "ref: c, task_type: t, title: T, depends_on: [a, b]"]
        );
        await Refused("deep", 100, 0, "pattern 'deep' makes 5000 tasks; the limit is 200 at once");
        await Refused("two", 101, 0, "takes at most 100 entries in 'parts'");
        await Refused("two", 100, 1, "pattern 'two' makes 200 tasks, and 1 more is named; the limit is 200 at once");
        await Refused("edges", 51, 0, "step 'c' waits for 102 tasks; the limit is 100");
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
        await Apply("two", 100, 0);
        Assert.Equal(200, await rig.Read<long>("SELECT count(*) FROM tasks"));
        await Apply("edges", 50, 1);
        Assert.Equal(100, await rig.Read<long>("SELECT max(deps_total) FROM tasks"));

        static string Ref(int place) => $"s{place}";

        Task<JsonElement> Apply(string name, int parts, int given) =>
            rig.Host.CallAsync(
                "add_tasks",
                new
                {
                    ticket,
                    tasks = given == 0 ? null : Enumerable.Range(0, given).Select(i => TaskRig.New($"given{i}")),
                    pattern = new { name, values = new { parts = Enumerable.Range(0, parts).Select(i => $"{i}") } },
                }
            );

        async Task Refused(string name, int parts, int given, string error)
        {
            var refused = await rig.Refused(Apply(name, parts, given));
            Assert.Equal("invalid", refused.Code);
            Assert.Contains(error, refused.Message, StringComparison.Ordinal);
        }
    }

    [Theory]
    [InlineData("title: \"{parts}\"", 50, "'title' is longer than 500 characters with these values")]
    [InlineData("title: T, description: \"{all}\"", 9, "'description' is longer than 16384 bytes with these values")]
    public async Task A_text_is_refused_while_it_is_filled(string step, int parts, string error)
    {
        await using var rig = await TaskRig.Start();
        var ticket = await rig.Ticket();
        var text = step.Replace("{all}", string.Concat(Enumerable.Repeat("{parts}", 500)), StringComparison.Ordinal);
        await Load(rig, "long", [$"ref: a, for_each: parts, task_type: t, {text}"]);
        var refused = await rig.Refused(
            rig.Host.CallAsync(
                "apply_pattern",
                new
                {
                    ticket,
                    name = "long",
                    values = new { parts = Enumerable.Repeat(new string('x', 300), parts) },
                }
            )
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains($"step 'a.1' of pattern 'long': {error}", refused.Message, StringComparison.Ordinal);
        Assert.Equal(0, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_key_is_that_of_its_command_and_outlasts_the_pattern()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var ticket = await rig.Ticket();
        var values = Values("Why?");
        var call = new
        {
            ticket,
            name = "survey",
            values,
            key = "k",
        };
        var made = await rig.Host.CallAsync("apply_pattern", call);
        var other = new
        {
            ticket,
            pattern = new { name = "survey", values },
            key = "k",
        };
        Assert.Equal("conflict", (await rig.Refused(rig.Host.CallAsync("add_tasks", other))).Code);
        await rig.Host.CallAsync("pattern_delete", new { name = "survey" });
        Assert.Equal(made.GetRawText(), (await rig.Host.CallAsync("apply_pattern", call)).GetRawText());
    }

    [Fact]
    public async Task An_agent_without_a_duty_is_refused_for_a_pattern()
    {
        await using var rig = await Loaded();
        await rig.Hive.Spawn("idle");
        var values = Values("Why?");
        values["chair"] = "idle";
        var refused = await rig.Refused(rig.Host.CallAsync("apply_pattern", Use(await rig.Ticket(), values)));
        Assert.Equal("conflict", refused.Code);
        Assert.Contains("idle takes no tasks; give it a duty", refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_manager_adds_a_pattern_beside_tasks_in_one_write()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        var manager = await rig.Connect("manager");
        var ticket = await rig.Ticket();
        var call = new
        {
            ticket,
            tasks = (object[])[TaskRig.New("after", "close")],
            pattern = new { name = "Survey", values = Values("Why?") },
            key = "k",
        };
        var answer = await manager.CallAsync("add_tasks", call);
        long[] ids = [.. answer.GetProperty("tasks").EnumerateArray().Select(t => t.Number("id"))];
        Assert.Equal(ids[4], answer.GetProperty("tasks")[0].GetProperty("depends_on")[0].GetInt64());
        Assert.Equal(answer.GetRawText(), (await manager.CallAsync("add_tasks", call)).GetRawText());
        var only = await manager.CallAsync("add_tasks", new { ticket, pattern = call.pattern });
        Assert.Equal(4, only.GetProperty("tasks").GetArrayLength());
        Assert.Equal("invalid", (await rig.Refused(manager.CallAsync("add_tasks", new { ticket }))).Code);
        // A wrong task beside it makes nothing of either.
        var before = await rig.Read<long>("SELECT count(*) FROM tasks");
        await rig.Refused(
            manager.CallAsync(
                "add_tasks",
                new
                {
                    ticket,
                    tasks = (object[])[TaskRig.New("ask.1")],
                    call.pattern,
                }
            )
        );
        Assert.Equal(before, await rig.Read<long>("SELECT count(*) FROM tasks"));
    }

    [Fact]
    public async Task A_pattern_is_applied_over_rest_once_for_a_key()
    {
        await using var rig = await Loaded();
        await rig.Worker("alice");
        using var http = rig.Hive.Http();
        var body = new
        {
            ticket_id = await rig.Ticket(),
            values = Values("Why?"),
            key = "k",
        };
        for (var time = 0; time < 2; time++)
        {
            var answer = await http.PostAsJsonAsync("/api/v1/coordination/patterns/survey/apply", body);
            Assert.Equal(HttpStatusCode.Created, answer.StatusCode);
            Assert.Equal(4, (await answer.Content.ReadFromJsonAsync<JsonElement>()).GetArrayLength());
        }

        Assert.Equal(4, await rig.Read<long>("SELECT count(*) FROM tasks"));
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await http.PostAsJsonAsync("/api/v1/coordination/patterns/none/apply", body with { key = "l" })).StatusCode
        );
    }

    private static async Task<TaskRig> Loaded()
    {
        var rig = await TaskRig.Start();
        await rig.Host.CallAsync("pattern_load", new { text = Pattern });
        return rig;
    }

    private static Task Load(TaskRig rig, string name, IEnumerable<string> steps) =>
        rig.Host.CallAsync(
            "pattern_load",
            new
            {
                text = $"pattern:\n  name: {name}\n  parameters: {{ parts: list }}\n  steps:\n"
                    + string.Concat(steps.Select(step => $"    - {{ {step} }}\n")),
            }
        );

    private static object Use(long ticket, JsonObject values) =>
        new
        {
            ticket,
            name = "survey",
            values,
        };

    private static JsonObject Values(string question) =>
        new()
        {
            ["question"] = question,
            ["weight"] = JsonNode.Parse("2.50"),
            ["chair"] = "alice",
            ["parts"] = new JsonArray("roof", "wall"),
        };
}
