using System.Text.Json.Nodes;

namespace Hive.Agent.Tests;

/// <summary>Calls of tools that this program does not know, by the step <c>call</c> and by the bridge.</summary>
public sealed class ToolCallTests
{
    private const string Tools = """
        {"version":1,"ok":true,"tools":[
          {"name":"complete_task","description":"Complete a task.","input_schema":{"type":"object","properties":
            {"task":{},"summary":{},"artifacts":{},"metrics":{},"decisions":{},"final":{},"key":{}}}},
          {"name":"fail_task","description":"Fail a task.","input_schema":{"type":"object","properties":{"reason":{}}}}
        ]}
        """;

    [Fact(Timeout = 60_000)]
    public async Task A_call_sends_any_fields_and_its_answer_can_be_used()
    {
        await using var h = await StartAsync();
        h.Write(
            "script.yaml",
            """
            rules:
              - match: { from: operator, body: "(?<n>[0-9]+)" }
                do:
                  - call:
                      cmd: complete_task
                      task: !!int "{{n}}"
                      summary: "did {{body}}"
                      artifacts: [ { type: report, path: "{{state_dir}}/{{id}}.md" } ]
                      metrics: { coverage: 81.5, message: "{{id}}" }
                      decisions: [ !!str "{{id}}", "2" ]
                      final: true
                      key: "{{id}}"
                  - call: { cmd: fail_task, reson: x }
                    optional: true
                  - call: { cmd: fail_tsk }
                    optional: true
                  - write_file: { path: out, content: "{{answer.status}} {{answer.next.1.id}} {{answer.next}}" }
            """
        );
        var id = await h.Alice.PostAsync("task 101");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        var sent = Assert.Single(Sent(h, "complete_task"));
        sent.Remove("cmd");
        Assert.Equal(
            $$"""
            {"task":101,"summary":"did task 101",
            "artifacts":[{"type":"report","path":"{{h.StateDir}}/{{id}}.md"}],
            "metrics":{"coverage":81.5,"message":{{id}}},"decisions":["{{id}}","2"],"final":true,"key":"{{id}}"}
            """.ReplaceLineEndings(""),
            sent.ToJsonString()
        );
        Assert.Equal("""completed 8 {"id":7}, {"id":8}""", File.ReadAllText(Path.Combine(h.StateDir, "out")));
        Assert.Empty(Sent(h, "fail_task"));
        Assert.Contains("fail_task has no argument 'reson' (did you mean reason?); available: reason", agent.Log);
        Assert.Contains("unknown tool fail_tsk (did you mean fail_task?)", agent.Log);
        Assert.Equal(
            """{"task":101,"status":"completed","next":[{"id":7},{"id":8}]}""",
            (string?)(await h.Front.EventAsync("tool_result"))["text"]
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task A_script_whose_answer_was_lost_calls_again_with_the_same_key()
    {
        await using var h = await StartAsync();
        h.Write(
            "script.yaml",
            "rules:\n  - match: { from: operator }\n    do: [ call: { cmd: complete_task, summary: done } ]"
        );
        h.Front.DeafOnce.Add("complete_task");
        await h.Alice.PostAsync("go");
        await using var agent = h.Serve();

        Assert.Equal("ok", (string?)(await h.EndedAsync())["result"]);
        AssertRepeatedWithOneKey(h);
    }

    [Fact(Timeout = 60_000)]
    public async Task The_bridge_repeats_lost_calls_of_tools_that_take_a_key_only()
    {
        await using var h = await StartAsync();
        h.Front.DeafOnce.UnionWith(["complete_task", "fail_task"]);
        using var client = await RawMcp.StartAsync(h.Front.Socket);

        var completed = await client.CallAsync("complete_task", """{"summary":"done"}""");
        var failed = await client.CallAsync("fail_task", """{"reason":"no disk"}""");

        Assert.StartsWith("task: 101\nstatus: completed", RawMcp.Text(completed));
        AssertRepeatedWithOneKey(h);
        Assert.True(failed.GetProperty("result").GetProperty("isError").GetBoolean());
        Assert.Single(Sent(h, "fail_task"));
    }

    private static async Task<Harnessed> StartAsync()
    {
        var h = await Harnessed.StartAsync("driver: scripted");
        h.Front.Answers = request =>
            (string?)request["cmd"] switch
            {
                "tools" => JsonNode.Parse(Tools)!.AsObject(),
                "complete_task" => JsonNode
                    .Parse("""{"version":1,"ok":true,"task":101,"status":"completed","next":[{"id":7},{"id":8}]}""")!
                    .AsObject(),
                _ => null,
            };
        return h;
    }

    private static JsonObject[] Sent(Harnessed h, string command) =>
        [.. h.Front.Requests.Where(request => (string?)request["cmd"] == command)];

    private static void AssertRepeatedWithOneKey(Harnessed h)
    {
        var sent = Sent(h, "complete_task");
        Assert.Equal(2, sent.Length);
        Assert.Equal(32, ((string?)sent[0]["key"])?.Length);
        Assert.Equal((string?)sent[0]["key"], (string?)sent[1]["key"]);
    }
}
