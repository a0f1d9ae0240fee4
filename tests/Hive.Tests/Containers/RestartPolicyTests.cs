using System.Text.Json;
using Hive.Common.Linux;
using Hive.Common.Storage;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using Hive.Tests.Waiting;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Containers;

/// <summary>Tests the restarts of agents that ended without being asked to.</summary>
public sealed class RestartPolicyTests
{
    private const int SigTerm = 15;

    [Fact]
    public async Task A_failing_agent_is_restarted_three_times_then_waits_for_a_start()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var (hive, clock) = (fleet.Hive, fleet.Hive.Clock);
        var events = await hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        for (var i = 0; i < 3; i++)
        {
            var (pid, pause) = (fleet.Pid("worker"), TimeSpan.FromSeconds(new[] { 1, 5, 25 }[i]));
            var told = await Crash(fleet, events);
            Assert.Equal(
                $"ended by signal 9; restarting in {pause.TotalSeconds} s ({i + 1} of 3 within 10 minutes)",
                told
            );
            var row = await fleet.Row("worker");
            Assert.Equal((false, false, told), (row.Running, row.Failed, row.Note));
            var waiting = (await hive.Waiting("?kind=crash")).Select(w => $"{w.Agent} {w.Title}: {w.Detail}");
            Assert.Equal(i == 0 ? [] : [$"worker restarted {i + 1} times within ten minutes: {told}"], waiting);
            await clock.Set(clock.GetUtcNow() + pause);
            clock.Advance(pause);
            await fleet.Up("worker");
            Assert.NotEqual(pid, fleet.Pid("worker"));
            row = await fleet.Row("worker");
            Assert.Equal((true, false), (row.Running, row.Failed));
            if (i == 0)
                continue;
            // It runs again: nothing is left to decide.
            Assert.Null(await hive.Mark("crash-worker", "seen"));
            Assert.Empty(await hive.Waiting("?kind=crash"));
        }

        Assert.Equal(
            "ended by signal 9; restarted 3 times within 10 minutes; no further restart",
            await Crash(fleet, events)
        );
        Assert.Equal((false, true), ((await fleet.Row("worker")).Running, (await fleet.Row("worker")).Failed));
        Assert.Equal("failed and is left alone", (await hive.Row("crash-worker")).Title);
        Assert.Equal(
            "conflict: crash-worker needs a decision and leaves only with it: start it, or read its log; to see it "
                + "later, snooze it",
            await hive.Mark("crash-worker", "seen")
        );
        await hive.Restart();
        Assert.Equal("failed and is left alone", (await hive.Row("crash-worker")).Title);
        Assert.Equal((false, true), ((await fleet.Row("worker")).Running, (await fleet.Row("worker")).Failed));
        Assert.Contains("no further restart", (await fleet.Row("worker")).Note, StringComparison.Ordinal);

        events = await hive.Events();
        var changes = await hive.Events();
        await fleet.Do("start", new { name = "worker" });
        await fleet.Up("worker");
        Assert.Equal("- crash-worker", await hive.NextWaiting(changes));
        Assert.Contains("in 1 s (1 of 3", await Crash(fleet, events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Stopping_an_agent_that_was_restarted_twice_settles_its_row()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var (hive, clock) = (fleet.Hive, fleet.Hive.Clock);
        var events = await hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        foreach (var seconds in new[] { 1, 5 })
        {
            await Crash(fleet, events);
            await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(seconds));
            clock.Advance(TimeSpan.FromSeconds(seconds));
            await fleet.Up("worker");
        }

        Assert.Single(await hive.Waiting("?kind=crash"));
        await fleet.Do("stop", new { name = "worker" });
        Assert.Empty(await hive.Waiting("?kind=crash"));
        await hive.Restart();
        Assert.Empty(await hive.Waiting("?kind=crash"));
    }

    [Fact]
    public async Task A_snoozed_failure_stays_snoozed_over_a_restart_of_the_host()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        fleet.Configure("worker", "driver: scripted\nrestart: never\n");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var events = await hive.Events();
        using var disk = new ManualResetEventSlim();
        // The failure is stored a while after it was noted.
        var busy = hive.Services.GetRequiredService<IStore>().Write(_ => disk.Wait(TimeSpan.FromSeconds(60)));
        Fleet.Signal(-fleet.Pid("worker"), LinuxProcess.SigKill);
        await Patience.Until(async () => (await fleet.Row("worker")).Failed, "the failure is noted");
        hive.Clock.Advance(TimeSpan.FromSeconds(1));
        disk.Set();
        Assert.True(await busy);
        await Told(events);
        Assert.Null(await hive.Snooze("crash-worker", TimeSpan.FromDays(1)));
        await hive.Restart();
        Assert.NotNull((await hive.Row("crash-worker")).SnoozedUntilAt);
    }

    [Fact, Long]
    public async Task Failures_far_apart_do_not_add_up()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var clock = fleet.Hive.Clock;
        var events = await fleet.Hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        for (var i = 0; i < 5; i++)
        {
            Assert.Contains("in 1 s (1 of 3", await Crash(fleet, events), StringComparison.Ordinal);
            await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(1));
            clock.Advance(TimeSpan.FromSeconds(1));
            await fleet.Up("worker");
            clock.Advance(TimeSpan.FromMinutes(10));
        }
    }

    public static TheoryData<string> Verbs => [.. Ring.Sample(["stop", "kill", "destroy"], 1)];

    [Theory, Sampled]
    [MemberData(nameof(Verbs))]
    public async Task A_stop_during_the_pause_cancels_the_restart(string verb)
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var clock = fleet.Hive.Clock;
        var events = await fleet.Hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var pid = fleet.Pid("worker");
        await Crash(fleet, events);
        await clock.Set(clock.GetUtcNow() + TimeSpan.FromSeconds(1));
        await fleet.Do(verb, new { name = "worker" });
        if (verb != "destroy")
            Assert.Null((await fleet.Row("worker")).Note);
        clock.Advance(TimeSpan.FromSeconds(1));
        await fleet.Hive.Settled();
        Assert.Empty(Fleet.Processes(fleet.Hive.AgentSocket("worker")));
        await fleet.Hive.Restart();
        Assert.Empty(Fleet.Processes(fleet.Hive.AgentSocket("worker")));
        Assert.False(Fleet.IsAlive(pid));
    }

    [Fact]
    public async Task A_host_restarted_during_the_pause_starts_the_agent_and_keeps_its_failures()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var events = await fleet.Hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        await Crash(fleet, events);
        await fleet.Hive.Restart();
        events = await fleet.Hive.EventsFromStart();
        await fleet.Up("worker");
        Assert.Contains("in 5 s (2 of 3", await Crash(fleet, events), StringComparison.Ordinal);
    }

    [Fact]
    public async Task An_agent_that_ends_cleanly_or_has_no_restart_policy_is_not_restarted()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var events = await fleet.Hive.Events();
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        Fleet.Signal(fleet.Pid("worker"), SigTerm);
        Assert.Equal("ended on its own", await Told(events));
        Assert.Equal(
            (false, false, "ended on its own"),
            ((await fleet.Row("worker")).Running, (await fleet.Row("worker")).Failed, (await fleet.Row("worker")).Note)
        );

        fleet.Configure("other", "restart: never\n");
        await fleet.Spawn("other", "process");
        await fleet.Up("other");
        Fleet.Signal(-fleet.Pid("other"), LinuxProcess.SigKill);
        Assert.Equal("ended by signal 9", await Told(events));
        Assert.True((await fleet.Row("other")).Failed);

        fleet.Configure("third", "restart: sometimes\n");
        Assert.Contains(
            "'on-failure' or 'never'",
            (await Talk.Refused(() => fleet.Spawn("third", "process"), "invalid")).Message,
            StringComparison.Ordinal
        );
    }

    // Kills the agent from outside, and returns the note that the manager receives.
    private static async Task<string> Crash(Fleet fleet, EventReader events)
    {
        Fleet.Signal(-fleet.Pid("worker"), LinuxProcess.SigKill);
        var told = await Told(events);
        // The host may notice the end of the process before that of its connection.
        await fleet.Down("worker");
        return told;
    }

    private static async Task<string> Told(EventReader events)
    {
        while (true)
        {
            var message = (await events.Next("sent")).GetProperty("message").Deserialize<Message>(WireJson.Options)!;
            if (
                message.To == "manager"
                && JsonElement.Parse(message.Body) is var body
                && body.GetProperty("event").GetString() == "container_crash"
            )
                return body.GetProperty("note").GetString()!;
        }
    }
}
