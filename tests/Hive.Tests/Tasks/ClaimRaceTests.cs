using Hive.Common.Storage;
using Hive.Features.Tasks;
using Hive.Protocol;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Tasks;

/// <summary>Many connections work on the same tasks at once, and the host is restarted in between.</summary>
public sealed class ClaimRaceTests
{
    private const int Agents = 8;
    private const int TasksOfAll = 60;

    [Fact]
    public async Task No_task_is_given_twice_and_each_ends_once()
    {
        await using var rig = await TaskRig.Start();
        var names = Enumerable.Range(0, Agents).Select(i => $"w{i}").ToArray();
        foreach (var name in names)
            await rig.Worker(name);
        var ticket = await rig.Ticket();
        var ids = await rig.Add(ticket, [.. Enumerable.Range(0, TasksOfAll).Select(i => TaskRig.New($"t{i}"))]);
        for (var round = 0; round < 3; round++)
        {
            await Task.WhenAll(names.Select(name => Work(rig, name, ids, round)));
            await Check(rig);
            await rig.Restart();
            await Check(rig);
            foreach (var name in names)
                await rig.Connect(name);
        }

        Assert.True(await rig.Read<long>("SELECT count(*) FROM task_ends") > 0);
    }

    // Claims what it can get, and completes, fails or leaves it.
    private static async Task Work(TaskRig rig, string name, long[] ids, int round)
    {
        var claims = rig.Hive.Services.GetRequiredService<IClaims>();
        using var line = await rig.Hive.Connect(name);
        foreach (var id in ids)
        {
            if (await rig.Write(write => claims.Claim(write, id, name)) != ClaimResult.Claimed)
                continue;
            try
            {
                if ((id + round) % 3 == 0)
                    await line.CallAsync("complete_task", new { task = id, summary = "done" });
                else if ((id + round) % 3 == 1)
                    await line.CallAsync(
                        "fail_task",
                        new
                        {
                            task = id,
                            reason = "no",
                            kind = "permanent",
                        }
                    );
            }
            catch (HiveException e)
            {
                Assert.Fail($"{name} could not end task {id}: {e.Message}");
            }
        }
    }

    private static Task Check(TaskRig rig) =>
        rig
            .Hive.Services.GetRequiredService<IStore>()
            .Read(db =>
            {
                LegalRows.CheckTasks(db);
                return 0;
            });
}
