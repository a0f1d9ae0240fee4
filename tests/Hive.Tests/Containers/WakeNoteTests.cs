using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;

namespace Hive.Tests.Containers;

/// <summary>Tests the note that an agent gets about its start.</summary>
public sealed class WakeNoteTests
{
    [Fact]
    public async Task A_start_wakes_no_agent_and_its_note_comes_with_the_next_message()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        // Without a script the harness receives nothing, so the test can.
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var (worker, host) = (await hive.Connect("worker"), await hive.Operator());
        Assert.Equal((0, 0, 0), await worker.Status());
        Assert.Empty(await worker.Receive());
        await AreTold("You have been started.");

        await fleet.Do("restart", new { name = "worker" });
        // One note, however often it was started.
        await fleet.Do("rebuild", new { name = "worker" });
        await AreTold("You have been rebuilt.");
        await fleet.Do("restart", new { name = "worker" });
        await hive.Restart();
        (worker, host) = (await hive.Connect("worker"), await hive.Operator());
        await AreTold("You have been restarted.");
        fleet.Configure("worker", "recipients: [operator]\n");
        await fleet.Do("rebuild", new { name = "worker" });
        // The agent has not received this note yet.
        await fleet.Do("restart", new { name = "worker" });
        await AreTold("Your configuration was updated, and you have been restarted on it.");
        var message = await host.Send("worker");
        Assert.Equal(message, Assert.Single(await worker.Receive()).Id);

        async Task AreTold(string text)
        {
            var waiting = await host.Send("worker", "do it");
            var received = await worker.Receive();
            Assert.Equal([waiting, waiting + 1], received.Select(m => m.Id));
            Assert.Equal(
                (
                    "system",
                    $"{text} Your notes are in {hive.DataDir}/agents/worker/state/; read them to see where you were."
                ),
                (received[1].From, received[1].Body)
            );
            Assert.Equal(2, (await worker.CallAsync("ack", new { all = true })).Int("acked"));
        }
    }

    [Fact]
    public async Task A_waiting_receiver_gets_the_note_with_its_message_unless_it_takes_only_one()
    {
        await using var fleet = await Fleet.Start("process", realClock: false);
        var hive = fleet.Hive;
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        var (worker, host) = (await hive.Connect("worker"), await hive.Operator());
        var single = await hive.Waiting(worker, max: 1);
        var first = await host.Send("worker");
        Assert.Equal(first, Assert.Single(await single).Id);

        var several = await hive.Waiting(worker, max: 32);
        var second = await host.Send("worker");
        var received = await several;
        Assert.Equal(["system", "operator"], received.Select(m => m.From));
        Assert.Equal(second, received[1].Id);
        Assert.Equal(3, (await worker.CallAsync("ack", new { all = true })).Int("acked"));
    }

    [Fact]
    public async Task An_agent_that_waits_for_a_login_has_come_up_and_its_rebuild_succeeds()
    {
        // The clock stands still, so a wait that depends on it would never end.
        await using var fleet = await Fleet.Start("process", realClock: false);
        fleet.Configure("worker", "driver: claude\ncommand: [cat]\n");
        await fleet.Spawn("worker", "process");
        await fleet.Up("worker");
        await fleet.Do("rebuild", new { name = "worker" });
        await fleet.Up("worker");
        Assert.Equal(
            "needs_login",
            (await (await fleet.Hive.Operator()).CallAsync("harness", new { name = "worker" }))
                .GetProperty("state")
                .GetString()
        );
    }
}
