using System.IO.Pipelines;
using System.Text;
using System.Text.Json;
using Hive.Agent.Mcp;
using Hive.Protocol;
using Hive.Tests.Fixture;
using ModelContextProtocol.Protocol;
using ModelContextProtocol.Server;

namespace Hive.Agent.Tests;

/// <summary>
/// What the bridge has received and cannot hand over: its client takes nothing while a call comes to its end.
/// </summary>
public sealed class McpLostAnswerTests
{
    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 60_000)]
    public async Task Messages_of_a_cancelled_call_come_with_the_next_call()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        await using var client = await StuckClient.StartAsync(alice);
        await client.ReceiveWithoutReadingAsync();
        await client.ReceiveAnotherAsync();

        await client.CancelAsync(1);
        await client.CallAsync(3, "whoami", "{}");
        var answers = await client.ReadAsync(2, 3);
        Assert.DoesNotContain(1, answers);
        Assert.EndsWith("> two", answers[2]);

        await client.CallAsync(4, "recv", """{"wait_seconds":0}""");
        Assert.EndsWith("> one", (await client.ReadAsync(4))[4]);
        await client.CallAsync(5, "recv", """{"wait_seconds":0}""");
        Assert.StartsWith("(empty)", (await client.ReadAsync(5))[5]);
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_whose_client_left_stay_unread()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        long one;
        await using (var client = await StuckClient.StartAsync(alice))
        {
            one = await client.ReceiveWithoutReadingAsync();
            await client.ReceiveAnotherAsync();
            await client.LeaveAsync();
        }

        Assert.Null((await alice.MessageAsync(one)).AckedAt);
        using var next = await LineClient.ConnectAsync(alice.Socket);
        Assert.Contains(
            one,
            (await next.CallAsync<Alice.Received>("recv", new { max = 32 }, Ct)).Messages.Select(m => m.Id)
        );
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_of_a_cancelled_call_are_delivered_to_one_of_two_sessions()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        await using var first = await StuckClient.StartAsync(alice);
        await using var second = await StuckClient.StartAsync(alice);
        await first.ReceiveWithoutReadingAsync();
        await first.CallAsync(2, "recv", """{"wait_seconds":50}""");
        await first.WaitsAsync(50);
        // This call has received; the next one, which waits, closes the connection that both used.
        await first.CancelAsync(1);
        await first.CancelAsync(2);

        await first.CallAsync(3, "recv", """{"wait_seconds":0}""");
        var atFirst = await first.ReadAsync(3);
        await second.CallAsync(1, "recv", """{"wait_seconds":0}""");
        string[] got = [atFirst[3], (await second.ReadAsync(1))[1]];
        Assert.Single(got, text => text.EndsWith("> one", StringComparison.Ordinal));
    }

    [Fact(Timeout = 60_000)]
    public async Task Messages_are_received_from_an_older_host_that_cannot_requeue()
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.Refuses = request => (string?)request["cmd"] == "requeue_closed" ? "unknown_command" : null;
        await h.Alice.PostAsync("hello");
        using var client = await RawMcp.StartAsync(h.Front.Socket);
        Assert.EndsWith("> hello", RawMcp.Text(await client.CallAsync("recv", "{}")));
    }

    /// <summary>A client of a bridge in this process; the bridge's output blocks until the client reads.</summary>
    private sealed class StuckClient : IAsyncDisposable
    {
        private readonly Pipe requests = new(),
            answers = new(new PipeOptions(pauseWriterThreshold: 1, resumeWriterThreshold: 0));
        private readonly CancellationTokenSource stop = new();
        private readonly SemaphoreSlim cancelled = new(0);
        private readonly Alice alice;
        private readonly StreamServerTransport stdio;
        private readonly StreamReader reader;
        private readonly Task serving;

        private StuckClient(Alice alice)
        {
            this.alice = alice;
            var clock = alice.Hive.Clock;
            var bridge = new McpBridge(alice.Socket, turn: null, new Log(TextWriter.Null, clock), clock);
            var input = new ClientInput(requests.Reader.AsStream(), bridge.Receiver.Close);
            stdio = new StreamServerTransport(input, answers.Writer.AsStream(), "hive");
            reader = new StreamReader(answers.Reader.AsStream());
            serving = ServeAsync(bridge);
        }

        private ManualClock Clock => alice.Hive.Clock;

        public static async Task<StuckClient> StartAsync(Alice alice)
        {
            var client = new StuckClient(alice);
            await client.WriteAsync(
                """{"jsonrpc":"2.0","id":0,"method":"initialize","params":{"protocolVersion":"2025-06-18","""
                    + """ "capabilities":{},"clientInfo":{"name":"raw","version":"1"}}}"""
            );
            await client.ReadAsync(0);
            await client.WriteAsync("""{"jsonrpc":"2.0","method":"notifications/initialized","params":{}}""");
            return client;
        }

        public async Task WriteAsync(string line) =>
            await requests.Writer.WriteAsync(Encoding.UTF8.GetBytes(line.Trim() + "\n"), Ct);

        public Task CallAsync(long id, string tool, string arguments, bool progress = false) =>
            WriteAsync(
                $$$"""{"jsonrpc":"2.0","id":{{{id}}},"method":"tools/call","params":{"name":"{{{tool}}}","""
                    + $$$""" "arguments":{{{arguments}}}{{{(progress ? ",\"_meta\":{\"progressToken\":1}" : "")}}}}}"""
            );

        /// <summary>Cancels a call, and returns once that is carried out: the bridge handles messages side by
        /// side.</summary>
        public async Task CancelAsync(long call)
        {
            await WriteAsync(
                $$$"""{"jsonrpc":"2.0","method":"notifications/cancelled","params":{"requestId":{{{call}}}}}"""
            );
            await cancelled.WaitAsync(Ct);
        }

        /// <summary>Waits until a call waits for that long.</summary>
        public Task WaitsAsync(int seconds) => Clock.Set(Clock.GetUtcNow() + TimeSpan.FromSeconds(seconds));

        /// <summary>Call 1 receives a message, and its answer is blocked behind an unread progress report.</summary>
        public async Task<long> ReceiveWithoutReadingAsync()
        {
            await CallAsync(1, "recv", """{"wait_seconds":50}""", progress: true);
            await WaitsAsync(15);
            await WaitsAsync(50);
            Clock.Advance(TimeSpan.FromSeconds(15));
            while ((await answers.Reader.ReadAsync(Ct)).Buffer is var begun)
            {
                answers.Reader.AdvanceTo(begun.Start);
                if (!begun.IsEmpty)
                    break;
            }

            var events = await alice.Hive.Events();
            var one = await alice.PostAsync("one");
            await events.HappenedAsync("delivered", one);
            return one;
        }

        /// <summary>Call 2 has received; since calls receive one at a time, call 1 has returned.</summary>
        public async Task ReceiveAnotherAsync()
        {
            var events = await alice.Hive.Events();
            var two = await alice.PostAsync("two");
            await CallAsync(2, "recv", """{"wait_seconds":0}""");
            await events.HappenedAsync("delivered", two);
        }

        /// <summary>Closes the client, so that the transport knows it before anything is read.</summary>
        public async Task LeaveAsync()
        {
            await requests.Writer.CompleteAsync();
            await stdio.MessageReader.Completion.WaitAsync(Ct);
        }

        /// <summary>Reads until these calls are answered; returns all answers by call.</summary>
        public async Task<Dictionary<long, string>> ReadAsync(params long[] calls)
        {
            Dictionary<long, string> read = [];
            while (!calls.All(read.ContainsKey))
            {
                var message = JsonElement.Parse((await reader.ReadLineAsync(Ct))!);
                if (!message.TryGetProperty("id", out var id))
                    continue;
                var result = message.GetProperty("result");
                read[id.GetInt64()] = result.TryGetProperty("content", out var content)
                    ? content[0].GetProperty("text").GetString()!
                    : "";
            }

            return read;
        }

        public async ValueTask DisposeAsync()
        {
            await requests.Writer.CompleteAsync();
            var rest = reader.ReadToEndAsync(Ct);
            await serving;
            await answers.Writer.CompleteAsync();
            await rest;
            stop.Dispose();
            cancelled.Dispose();
        }

        private async Task ServeAsync(McpBridge bridge)
        {
            await using (bridge)
            await using (
                var server = McpServer.Create(new WholeMessages(stdio, bridge.Receiver), McpCommand.Options(bridge))
            )
            {
                await using var handler = server.RegisterNotificationHandler(
                    NotificationMethods.CancelledNotification,
                    (_, _) =>
                    {
                        cancelled.Release();
                        return ValueTask.CompletedTask;
                    }
                );
                await server.RunAsync(stop.Token);
            }
        }
    }
}
