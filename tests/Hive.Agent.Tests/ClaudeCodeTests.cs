using System.Text.Json;
using System.Text.Json.Nodes;
using Hive.Tests.Fixture;
using static Hive.Agent.Tests.Measured;

namespace Hive.Agent.Tests;

/// <summary>Turns of the real Claude Code with a stand-in for its model.</summary>
public sealed class ClaudeCodeTests
{
    private const int Input = 100,
        Output = 10,
        CacheRead = 1000;

    private static readonly object Usage = new
    {
        input_tokens = Input,
        output_tokens = Output,
        cache_read_input_tokens = CacheRead,
    };

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    // 2.1.330 records the prompt of a conversation and accumulates its costs; 2.1.197 does neither.
    public static TheoryData<string?> Versions => Ring.IsLong ? [(string?)null, "2.1.197"] : [(string?)null];

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(Versions))]
    public async Task Turns_have_no_background_tasks_the_newest_prompt_and_their_own_figures(string? older)
    {
        var waiting = new
        {
            command = "sleep 600",
            description = "Wait",
            run_in_background = true,
        };
        using var model = await ModelStandIn.StartAsync(
            "anthropic",
            new
            {
                tool = "Bash",
                input = waiting,
                usage = Usage,
            },
            new { text = "started", usage = Usage },
            new { text = "second", usage = Usage },
            new { text = "third", usage = Usage }
        );
        await using var h = await StartAsync(TestClients.ClaudeCode(older), model);
        var events = await h.Alice.Hive.Events();
        h.Write("role.md", "You are the first of prompts.");
        await using (var first = h.Serve())
        {
            await h.AckedAsync(events, await h.Alice.PostAsync("one"));
            first.Terminate();
            await first.ExitAsync(Ct);
        }

        h.Write("role.md", "You are the second of prompts.");
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("two"));
        await h.AckedAsync(events, await h.Alice.PostAsync("three"));

        var requests = new List<string>();
        for (var i = 0; i < 4; i++)
            requests.Add((await model.RequestAsync()).GetProperty("body").GetRawText());
        Assert.All(requests[..2], request => Assert.Contains("first of prompts", request));
        Assert.All(requests[2..], request => Assert.Contains("second of prompts", request));
        Assert.All(requests[2..], request => Assert.DoesNotContain("first of prompts", request));
        // The tool's own prompt comes before Hive's.
        Assert.All(
            requests,
            request =>
                Assert.InRange(
                    System(request).IndexOf("You are alice, an agent", StringComparison.Ordinal),
                    1000,
                    int.MaxValue
                )
        );
        Assert.DoesNotContain("run_in_background", requests[0]);
        // The same conversation if the version can be told not to record the prompt, else a new one.
        Assert.Equal(older is null, requests[2].Contains("> one"));
        Assert.Contains("> two", requests[3]);

        for (var turn = 1; turn <= 3; turn++)
            AssertFigures(await h.EndedAsync(turn), calls: turn == 1 ? 2 : 1);
        var costs = new List<double>();
        for (var turn = 1; turn <= 3; turn++)
            costs.Add((double)(await h.EndedAsync(turn))["cost_usd"]!);
        Assert.Equal([costs[0], costs[0] / 2, costs[0] / 2], costs.Select(cost => Math.Round(cost, 9)));
    }

    [Theory(Timeout = 120_000), Sampled]
    [MemberData(nameof(Versions))]
    public async Task A_model_that_is_taken_back_gives_way_to_the_tools_default(string? older)
    {
        using var model = await ModelStandIn.StartAsync("anthropic");
        await using var h = await StartAsync(TestClients.ClaudeCode(older), model);
        var events = await h.Alice.Hive.Events();
        h.Write("role.md", "");
        var models = new List<string?>();
        await using (var agent = h.Serve())
        {
            await TurnAsync("one");
            await ChooseAsync("haiku", "haiku");
            await TurnAsync("two");
            await ChooseAsync(null, "the tool's default");
            await TurnAsync("three");
            agent.Terminate();
            await agent.ExitAsync(Ct);
        }

        h.Write("agent.yaml", $"{Yaml(TestClients.ClaudeCode(older), model)}\nmodel: haiku");
        await using (var agent = h.Serve())
        {
            await TurnAsync("four");
            agent.Terminate();
            await agent.ExitAsync(Ct);
        }

        h.Write("agent.yaml", Yaml(TestClients.ClaudeCode(older), model));
        await using (h.Serve())
            await TurnAsync("five");

        Assert.Contains("haiku", models[1]);
        Assert.Equal([models[0], models[1], models[0], models[1], models[0]], models);
        Assert.NotEqual(models[0], models[1]);

        async Task ChooseAsync(string? chosen, string shown)
        {
            h.Front.Ask("model", ("model", chosen));
            await h.Front.EventAsync("note", e => (string?)e["text"] == $"the model is {shown} from the next turn on");
        }

        async Task TurnAsync(string body)
        {
            await h.AckedAsync(events, await h.Alice.PostAsync(body));
            var request = (await model.RequestAsync()).GetProperty("body");
            models.Add(request.GetProperty("model").GetString());
            // All in one conversation.
            Assert.Equal(models.Count > 1, request.GetRawText().Contains("> one") && body != "one");
        }
    }

    [Fact(Timeout = 120_000), Long]
    public async Task Skills_helpers_compaction_and_a_cancelled_call_work_and_are_counted()
    {
        var counting = new
        {
            description = "Count",
            prompt = "count the files",
            subagent_type = "general-purpose",
        };
        using var model = await ModelStandIn.StartAsync(
            "anthropic",
            new
            {
                tool = "Skill",
                input = new { skill = "deploy" },
                usage = Usage,
            },
            new
            {
                tool = "Agent",
                input = counting,
                usage = Usage,
            },
            new { text = "three files", usage = Usage },
            new { text = "deployed", usage = Usage },
            new { text = "<analysis>All is well.</analysis><summary>Something was deployed.</summary>", usage = Usage },
            new
            {
                text = "I am writing",
                hang = true,
                usage = Usage,
            }
        );
        await using var h = await StartAsync(TestClients.ClaudeCode(), model);
        var skill = Directory.CreateDirectory(Path.Combine(h.Inputs, "team", "skills", "deploy")).FullName;
        const string Skill = "---\nname: deploy\ndescription: Deploys the site\n---\nRun make deploy.\n";
        await File.WriteAllTextAsync(Path.Combine(skill, "SKILL.md"), Skill, Ct);
        h.Write("role.md", "");
        var events = await h.Alice.Hive.Events();
        await using var agent = h.Serve();
        await h.AckedAsync(events, await h.Alice.PostAsync("one"));

        Assert.Contains("deploy: Deploys the site", (await model.RequestAsync()).GetRawText());
        Assert.Contains("Run make deploy.", (await model.RequestAsync()).GetRawText());
        Assert.Contains("count the files", (await model.RequestAsync()).GetRawText());
        Assert.Contains("three files", (await model.RequestAsync()).GetRawText());
        AssertFigures(await h.EndedAsync(), calls: 4);

        h.Front.Ask("compact");
        await h.Front.EventAsync("compacted");
        await h.Alice.PostAsync("two");
        Assert.Equal("I am writing", (string?)(await h.Front.EventAsync("text_part"))["text"]);
        h.Front.Ask("cancel_turn");

        var cancelled = await h.EndedAsync(2);
        Assert.Equal("cancelled", (string?)cancelled["result"]);
        // The interrupted call reported its input and the first token of its answer.
        AssertFigures(cancelled, calls: 2, output: Output + 1);
    }

    [Fact(Timeout = 240_000), Long]
    public async Task A_ticket_is_read_again_by_the_next_one_only_in_the_conversation_of_the_agent()
    {
        var of = new Dictionary<string, string[]>();
        foreach (var conversation in (string[])["ticket", "agent"])
            of[conversation] = await RequestsAsync(conversation, tickets: 2);

        // Each ticket has two tasks, and each of their turns three calls.
        Assert.All(of.Values, requests => Assert.Equal(12, requests.Length));
        Assert.All(of["agent"][6..], request => Assert.Contains(Seen(1), request));
        Assert.All(of["ticket"][6..], request => Assert.DoesNotContain(Seen(1), request));
        Assert.All(of["ticket"][10..], request => Assert.Contains(Seen(2), request));
        Assert.InRange(of["ticket"].Sum(r => r.Length), 1, of["agent"].Sum(r => r.Length) - 1);
    }

    // The bodies of all calls for so many tickets, in each of whose turns a program prints 8,000 characters.
    private static async Task<string[]> RequestsAsync(string conversation, int tickets)
    {
        object[] steps =
        [
            .. Enumerable
                .Range(1, tickets)
                .SelectMany(ticket => new[] { ticket, ticket })
                .SelectMany(ticket =>
                    new object[]
                    {
                        new { tool = "Bash", input = new { command = $"yes {Seen(ticket)} | head -c 8000" } },
                        new { tool = "complete_task", input = new { summary = "done" } },
                        new { text = "done" },
                    }
                ),
        ];
        using var model = await ModelStandIn.StartAsync("anthropic", steps);
        await using var h = await StartAsync(
            TestClients.ClaudeCode(),
            model,
            $"duty: worker\nconversation: {conversation}\n"
        );
        h.Write("role.md", "");
        using var worker = await TicketWorker.StartAsync(h);
        await using var agent = h.Serve();
        for (var ticket = 1; ticket <= tickets; ticket++)
            await worker.TicketAsync(turn: 2 * ticket);
        var requests = new string[steps.Length];
        for (var i = 0; i < requests.Length; i++)
            requests[i] = (await model.RequestAsync()).GetProperty("body").GetRawText();
        return requests;
    }

    private static string Seen(int ticket) => $"seen-in-ticket-{ticket}";

    private static Task<Harnessed> StartAsync(string program, ModelStandIn model, string more = "") =>
        Harnessed.StartAsync($"{Yaml(program, model)}\n{more}", loggedIn: false);

    private static string Yaml(string program, ModelStandIn model) =>
        $$"""
            driver: claude
            command: ["{{program}}"]
            role: role.md
            environment:
              ANTHROPIC_BASE_URL: "{{model.Address}}"
              ANTHROPIC_API_KEY: sk-ant-of-nobody
              CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC: "1"
            """;

    private static string System(string body) =>
        string.Join(
            '\n',
            JsonElement.Parse(body).GetProperty("system").EnumerateArray().Select(part => part.GetProperty("text"))
        );

    private static void AssertFigures(JsonObject ended, int calls, int? output = null) =>
        Assert.Equal(
            (calls * Input, output ?? calls * Output, calls * CacheRead),
            (Number(ended, "input_tokens"), Number(ended, "output_tokens"), Number(ended, "cache_read_input_tokens"))
        );
}
