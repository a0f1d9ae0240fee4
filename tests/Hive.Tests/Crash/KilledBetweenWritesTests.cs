using Hive.Common.Storage;
using Hive.Features.Messages;
using Hive.Protocol;
using Hive.Tests.Messages;

namespace Hive.Tests.Crash;

/// <summary>Kills the host with SIGKILL between the writes of one step over many messages.</summary>
public sealed class KilledBetweenWritesTests
{
    private const int Many = (3 * Chunks.UsualSize) + 50;

    [Theory]
    [InlineData(2)]
    [InlineData(3)]
    public async Task Acking_all_leaves_acked_and_unacked_messages_and_loses_none(int step)
    {
        await using var host = new CrashingHost("external");
        var alice = await Lease(host);
        // Step 1 is before the first commit, 2 after it, 3 before the second.
        await host.DieAt($"Commit:{typeof(Chunks).FullName}", step);
        await Assert.ThrowsAnyAsync<Exception>(() => alice.CallAsync("ack", new { all = true }));
        await host.Ended;
        Assert.Equal(Numbers.Skip(Chunks.UsualSize), await Rest(host));
    }

    [Theory]
    [InlineData(3)]
    [InlineData(4)]
    public async Task Requeuing_many_leases_delivers_each_message_once_more_in_order(int step)
    {
        await using var host = new CrashingHost("external");
        (await Lease(host)).Dispose();
        await host.DieAt($"Commit:{typeof(StoreExtensions).FullName}", step);
        await Assert.ThrowsAnyAsync<Exception>(async () =>
        {
            while (true)
                await (await host.Connect("alice")).CallAsync("requeue_inflight");
        });
        await host.Ended;
        Assert.Equal(Numbers, await Rest(host));
    }

    private static IEnumerable<string> Numbers => Enumerable.Range(0, Many).Select(n => $"{n}");

    private static async Task<LineClient> Lease(CrashingHost host)
    {
        await host.Run();
        using (var line = await host.Operator())
        {
            await line.CallAsync("spawn", new { name = "alice", runtime = "external" });
            foreach (var body in Numbers)
                await line.CallAsync("send", new { to = "alice", body });
        }

        var alice = await host.Connect("alice");
        for (var leased = 0; leased < Many; )
            leased += (await alice.Receive()).Length;
        return alice;
    }

    // The messages that come after the next start.
    private static async Task<List<string>> Rest(CrashingHost host)
    {
        await host.Run();
        using var alice = await host.Connect("alice");
        await alice.CallAsync("requeue_inflight");
        List<string> bodies = [];
        while ((await alice.CallAsync("status")).GetProperty("unread").GetInt32() > 0)
            bodies.AddRange((await alice.Receive()).Select(message => message.Body));
        return bodies;
    }
}
