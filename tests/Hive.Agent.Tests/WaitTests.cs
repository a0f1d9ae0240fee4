using System.Diagnostics;

namespace Hive.Agent.Tests;

/// <summary><c>hive-agent wait</c> as a hook of a client.</summary>
public sealed class WaitTests
{
    private const string Woken = """{"hook_event_name":"Stop","stop_hook_active":true}""";

    private static CancellationToken Ct => TestContext.Current.CancellationToken;

    [Fact(Timeout = 120_000)]
    public async Task Wait_exits_with_2_and_one_line_for_a_message_which_stays_unread()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        using var wait = Start(alice);
        await WaitsAsync(alice);
        await alice.PostAsync("hello");
        Assert.Equal(
            (2, "", "Hive: 1 unread message for alice. Call the recv tool of alice to receive it.\n"),
            await EndAsync(wait)
        );
        Assert.Equal(
            1,
            (await (await alice.Hive.Connect("alice")).CallAsync("status")).GetProperty("unread").GetInt32()
        );
        // A message that is already unread ends it too.
        await alice.PostAsync("hello again");
        using var second = Start(alice);
        Assert.Equal(
            (2, "", "Hive: 2 unread messages for alice. Call the recv tool of alice to receive them.\n"),
            await EndAsync(second)
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task Wait_exits_with_0_when_the_time_is_up_or_the_agent_is_destroyed()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        using (var looks = Start(alice, "--seconds", "0"))
            Assert.Equal((0, "", ""), await EndAsync(looks));
        using (var waits = Start(alice, "--seconds", "1"))
            Assert.Equal((0, "", ""), await EndAsync(waits));

        using var wait = Start(alice);
        await WaitsAsync(alice);
        await (await alice.Hive.Operator()).CallAsync("destroy", new { name = "alice" });
        var (code, output, error) = await EndAsync(wait);
        Assert.Equal((0, ""), (code, error));
        Assert.Contains("no longer exists", output, StringComparison.Ordinal);
    }

    [Fact(Timeout = 120_000)]
    public async Task Wait_continues_when_the_host_is_restarted()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        using var wait = Start(alice);
        await WaitsAsync(alice);
        await alice.Hive.Restart();
        await alice.PostAsync("hello");
        Assert.Equal(2, (await EndAsync(wait)).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_wrong_command_line_does_not_wake_a_client()
    {
        await using var alice = await Alice.StartAsync();
        using var wrong = Start(alice, "--second", "1");
        Assert.Equal(1, (await EndAsync(wrong)).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task One_hook_waits_at_a_time_and_a_woken_client_hears_of_new_messages_only()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        await LeaveUnreadAsync(alice);
        using var first = StartHook(alice, Woken);
        await WaitsAsync(alice);
        using (var second = StartHook(alice, "{}"))
            Assert.Equal((0, "", ""), await EndAsync(second));
        Assert.False(first.HasExited);
        await alice.PostAsync("news");
        Assert.Equal(
            (2, "", "Hive: 2 unread messages for alice. Call the recv tool of alice to receive them.\n"),
            await EndAsync(first)
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task A_woken_client_is_reminded_after_two_rounds_of_waiting()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        await LeaveUnreadAsync(alice);
        using var hook = StartHook(alice, Woken);
        for (var round = 0; round < 2; round++)
        {
            await WaitsAsync(alice);
            Assert.False(hook.HasExited);
            alice.Hive.Clock.Advance(TimeSpan.FromSeconds(180));
        }

        Assert.Equal(2, (await EndAsync(hook)).Code);
    }

    [Fact(Timeout = 120_000)]
    public async Task A_woken_client_hears_at_once_of_messages_that_arrived_in_its_turn()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        await LeaveUnreadAsync(alice);
        await alice.PostAsync("in the turn");
        using (var hook = StartHook(alice, Woken))
            Assert.Equal(2, (await EndAsync(hook)).Code);

        // The client was told about that message now.
        using var next = StartHook(alice, Woken);
        await WaitsAsync(alice);
        Assert.False(next.HasExited);
    }

    [Fact(Timeout = 120_000)]
    public async Task An_older_host_is_reported_as_the_reason()
    {
        await using var h = await Harnessed.StartAsync();
        h.Front.Refuses = request => (string?)request["cmd"] == "wait" ? "unknown_command" : null;
        using var wait = Start(h.Front.Socket, [], []);
        var (code, _, error) = await EndAsync(wait);
        Assert.Equal(1, code);
        Assert.Contains(
            "the host is older than this hive-agent; update and restart Hive",
            error,
            StringComparison.Ordinal
        );
    }

    [Fact(Timeout = 120_000)]
    public async Task A_hook_ends_with_its_client()
    {
        await using var alice = await Alice.StartAsync(realClock: false);
        using var client = Process.Start("sleep", "1000");
        try
        {
            using var hook = StartHook(alice, "{}", ("CLAUDE_PID", $"{client.Id}"));
            await WaitsAsync(alice);
            client.Kill();
            Assert.Equal((0, "", ""), await EndAsync(hook));
        }
        finally
        {
            client.Kill();
        }
    }

    [Fact(Timeout = 120_000)]
    public async Task A_hook_of_a_single_prompt_checks_and_does_not_wait()
    {
        await using var alice = await Alice.StartAsync();
        var single = ("CLAUDE_CODE_ENTRYPOINT", "sdk-cli");
        using (var none = StartHook(alice, "{}", single))
            Assert.Equal((0, "", ""), await EndAsync(none));
        await alice.PostAsync("hello");
        using (var one = StartHook(alice, "{}", single))
            Assert.Equal(2, (await EndAsync(one)).Code);
        using (var told = StartHook(alice, Woken, single))
            Assert.Equal((0, "", ""), await EndAsync(told));
    }

    private static Process Start(Alice alice, params string[] arguments) => Start(alice, arguments, []);

    private static Process StartHook(Alice alice, string input, params (string Name, string Value)[] variables)
    {
        var hook = Start(alice, ["--hook"], variables);
        hook.StandardInput.Write(input);
        hook.StandardInput.Close();
        return hook;
    }

    // A client is told about the message and does not receive it.
    private static async Task LeaveUnreadAsync(Alice alice)
    {
        await alice.PostAsync("left unread");
        using var hook = StartHook(alice, "{}");
        Assert.Equal(2, (await EndAsync(hook)).Code);
    }

    private static Process Start(Alice alice, string[] arguments, (string Name, string Value)[] variables) =>
        Start(alice.Socket, arguments, variables);

    private static Process Start(string socket, string[] arguments, (string Name, string Value)[] variables)
    {
        var start = new ProcessStartInfo(AgentProcess.Program, ["wait", "--socket", socket, .. arguments])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        start.Environment.Clear();
        foreach (var (name, value) in AgentProcess.Environment)
            start.Environment[name] = value;
        foreach (var (name, value) in variables)
            start.Environment[name] = value;
        return Process.Start(start)!;
    }

    // Until the host has got the wait of three minutes.
    private static Task WaitsAsync(Alice alice) => alice.Hive.Clock.Set(alice.Hive.Clock.GetUtcNow().AddSeconds(180));

    private static async Task<(int Code, string Output, string Error)> EndAsync(Process process)
    {
        var output = process.StandardOutput.ReadToEndAsync(Ct);
        var error = process.StandardError.ReadToEndAsync(Ct);
        await process.WaitForExitAsync(Ct);
        return (process.ExitCode, await output, await error);
    }
}
