using System.Text.Json.Nodes;
using ModelContextProtocol;
using ModelContextProtocol.Client;
using ModelContextProtocol.Protocol;

namespace Hive.Agent.Tests;

public sealed class McpTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Offers_exactly_what_the_host_lists()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);

        var tools = await client.ListToolsAsync(cancellationToken: Ct);

        Assert.Equal(["send", "recv", "ack", "whoami"], tools.Select(tool => tool.Name));
        Assert.Equal("""["to","body"]""", tools[0].JsonSchema.GetProperty("required").GetRawText());
        Assert.StartsWith("Receive. Calling it again acknowledges what the call before returned.", tools[1].Description);
        Assert.Contains("""hello {"client":"some-client/1.2"}""", host.Calls);
    }

    [Fact(Timeout = 60_000)]
    public async Task Sends_and_says_what_came_of_it()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);

        var result = await CallAsync(client, "send", new() { ["to"] = "bob", ["body"] = "hi" });

        Assert.NotEqual(true, result.IsError);
        Assert.Equal("id: 1\nrecipient_state: running", Text(result));
        Assert.Equal(1, result.StructuredContent!.Value.GetProperty("id").GetInt64());
        Assert.Equal("hi", (string?)(await host.NextSentAsync(Ct))["body"]);
    }

    [Fact(Timeout = 60_000)]
    public async Task An_error_of_the_host_is_an_error_the_model_can_read()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);

        var refused = await CallAsync(client, "send", new() { ["to"] = "nobody", ["body"] = "hi" });
        Assert.True(refused.IsError);
        Assert.Equal("there is no agent nobody", Text(refused));
        Assert.Equal("not_found", refused.StructuredContent!.Value.GetProperty("code").GetString());

        var unlisted = await CallAsync(client, "requeue_inflight", new() { ["except_turns"] = Array.Empty<int>() });
        Assert.True(unlisted.IsError);
        Assert.Contains("there is no tool requeue_inflight; there are: send, recv, ack, whoami", Text(unlisted));

        var smuggled = await CallAsync(client, "whoami", new() { ["cmd"] = "requeue_inflight" });
        Assert.True(smuggled.IsError);
        Assert.DoesNotContain(host.Calls, call => call.StartsWith("requeue_inflight", StringComparison.Ordinal));

        var long_ = await CallAsync(client, "send", new() { ["to"] = "bob", ["body"] = new string('x', 70_000) });
        Assert.True(long_.IsError);
        Assert.Contains("write a file", Text(long_));
    }

    [Fact(Timeout = 60_000)]
    public async Task Receiving_again_acknowledges_what_came_before()
    {
        await using var host = new LineHost();
        var first = host.Post("one");
        host.Post("two");
        await using var client = await ConnectAsync(host);

        var one = await CallAsync(client, "recv", []);
        Assert.Equal($"Message {first} from operator:\none", Text(one));
        Assert.Equal(2, host.Unacked);
        Assert.Equal($"Message {first + 1} from operator:\ntwo", Text(await CallAsync(client, "recv", [])));
        Assert.Equal(1, host.Unacked);
        Assert.Equal("acked: 1", Text(await CallAsync(client, "ack", new() { ["all"] = true })));
        Assert.Equal(0, host.Unacked);
        Assert.StartsWith("(empty) Nothing came within 0 seconds.", Text(await CallAsync(client, "recv", new() { ["wait_seconds"] = 0 })));
        Assert.Equal(2, host.Calls.Count(call => call.StartsWith("ack", StringComparison.Ordinal)));
    }

    [Fact(Timeout = 60_000)]
    public async Task In_a_turn_nothing_is_acknowledged_by_itself()
    {
        await using var host = new LineHost();
        host.Post("one");
        host.Post("two");
        await using var client = await ConnectAsync(host, turn: "7");

        await CallAsync(client, "recv", []);
        Assert.EndsWith("two", Text(await CallAsync(client, "recv", [])));
        Assert.Equal(2, host.Unacked);
        Assert.Contains("""hello {"client":"some-client/1.2","turn":7}""", host.Calls);
    }

    [Theory(Timeout = 60_000)]
    [InlineData("some-client", 50)]
    [InlineData("claude-code", 170)]
    public async Task A_long_wait_is_cut_to_what_the_client_stands_and_holds_nothing_up(string name, int seconds)
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host, name: name);

        var waiting = CallAsync(client, "recv", new() { ["wait_seconds"] = 180 });
        await host.UntilAsync(h => h.Calls.Contains($$"""recv {"wait_seconds":{{seconds}}}"""), Ct);
        Assert.StartsWith("name: alice", Text(await CallAsync(client, "whoami", [])));
        Assert.False(waiting.IsCompleted);
        host.Post("at last");

        Assert.EndsWith("at last", Text(await waiting));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_cancelled_wait_leaves_no_lease_behind()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);

        // A token given to the SDK's client ends the client's own waiting and tells the server nothing; a host program says it so.
        var waiting = client.SendRequestAsync(new JsonRpcRequest { Id = new RequestId("wait"), Method = RequestMethods.ToolsCall, Params = JsonNode.Parse("""{"name":"recv","arguments":{"wait_seconds":50}}""") }, Ct);
        await host.UntilAsync(h => h.Calls.Any(call => call.StartsWith("recv", StringComparison.Ordinal)), Ct);
        await client.SendNotificationAsync(NotificationMethods.CancelledNotification, new CancelledNotificationParams { RequestId = new RequestId("wait") }, cancellationToken: Ct);
        await host.UntilAsync(h => h.Calls.Contains("closed some-client/1.2"), Ct);
        host.Post("later");

        Assert.EndsWith("later", Text(await CallAsync(client, "recv", [])));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_wait_reports_progress_to_a_client_that_asked_for_it()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);
        var reported = new TaskCompletionSource<ProgressNotificationValue>(TaskCreationOptions.RunContinuationsAsynchronously);

        var waiting = client.CallToolAsync("recv", new Dictionary<string, object?>(), new Reported(reported), cancellationToken: Ct).AsTask();
        Assert.Contains("waiting for recv", (await reported.Task.WaitAsync(Ct)).Message);
        host.Post("done");

        Assert.EndsWith("done", Text(await waiting));
    }

    [Fact(Timeout = 60_000)]
    public async Task A_restart_of_the_host_fails_the_call_under_way_and_no_other()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);
        await CallAsync(client, "whoami", []);
        var waiting = CallAsync(client, "recv", []);
        await host.UntilAsync(h => h.Calls.Any(call => call.StartsWith("recv", StringComparison.Ordinal)), Ct);

        host.Stop();
        var cut = await waiting;
        host.Start();
        host.Post("after");

        Assert.True(cut.IsError);
        Assert.Contains("Call again", Text(cut));
        Assert.StartsWith("name: alice", Text(await CallAsync(client, "whoami", [])));
        Assert.EndsWith("after", Text(await CallAsync(client, "recv", [])));
    }

    [Fact(Timeout = 60_000)]
    public async Task Calls_at_the_same_time_each_get_their_own_answer()
    {
        await using var host = new LineHost();
        await using var client = await ConnectAsync(host);

        var results = await Task.WhenAll(Enumerable.Range(0, 50).Select(i => CallAsync(client, "send", new() { ["to"] = "bob", ["body"] = $"{i}" })));

        Assert.Equal(50, results.Select(result => result.StructuredContent!.Value.GetProperty("id").GetInt64()).Distinct().Count());
    }

    private static Task<McpClient> ConnectAsync(LineHost host, string name = "some-client", string? turn = null)
    {
        var environment = AgentProcess.Environment;
        if (turn is not null)
            environment["HIVE_TURN"] = turn;
        return McpClient.CreateAsync(
            new StdioClientTransport(new StdioClientTransportOptions
            {
                Command = AgentProcess.Program,
                Arguments = ["mcp", "--socket", host.Socket],
                InheritEnvironmentVariables = false,
                EnvironmentVariables = environment,
            }),
            new McpClientOptions { ClientInfo = new Implementation { Name = name, Version = "1.2" } },
            cancellationToken: Ct);
    }

    private static async Task<CallToolResult> CallAsync(McpClient client, string tool, Dictionary<string, object?> arguments) =>
        await client.CallToolAsync(tool, arguments, cancellationToken: Ct);

    private static string Text(CallToolResult result) => ((TextContentBlock)Assert.Single(result.Content)).Text;

    private sealed class Reported(TaskCompletionSource<ProgressNotificationValue> first) : IProgress<ProgressNotificationValue>
    {
        public void Report(ProgressNotificationValue value) => first.TrySetResult(value);
    }
}
