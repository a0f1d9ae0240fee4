using System.Net;
using System.Net.Http.Json;
using System.Text.Json;
using Hive.Tests.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Locks;

/// <summary>Locks at the operator's doors, in lists, and after a restart.</summary>
public sealed class LockDoorsTests
{
    [Fact]
    public async Task The_operator_lists_and_releases_locks()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice", "bob");
        await rig.Acquire("alice", "repo:shop");
        await rig.Acquire("alice", "repo:shop");
        await rig.Queue("bob", "repo:shop");
        var locks = (await rig.Host.CallAsync("locks")).GetProperty("locks");
        var (held, waiting) = (locks[0].Number("id"), locks[1].Number("id"));
        Assert.Equal(locks.GetRawText(), (await rig.Hive.State()).GetProperty("locks").GetRawText());
        Assert.Equal("conflict", (await rig.Refused(rig.Host.CallAsync("lock_release", new { id = waiting }))).Code);
        var released = (await rig.Host.CallAsync("lock_release", new { id = held })).GetProperty("lock");
        Assert.Equal(("released", "released by operator"), (released.Text("status"), released.Text("release_reason")));
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks());
        var again = await rig.Refused(rig.Host.CallAsync("lock_release", new { id = held }));
        Assert.Contains("released by operator", again.Message, StringComparison.Ordinal);
        Assert.Equal("not_found", (await rig.Refused(rig.Host.CallAsync("lock_release", new { id = 99 }))).Code);
    }

    [Fact]
    public async Task Locks_are_made_listed_and_released_under_upstreams_names()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        using var http = rig.Hive.Http();
        var body = new
        {
            task_id = tasks[0],
            resource_type = "repo",
            resource_id = "shop",
        };
        var made = await http.PostAsJsonAsync("/api/v1/locks", body);
        Assert.Equal(HttpStatusCode.Created, made.StatusCode);
        var row = await made.Content.ReadFromJsonAsync<JsonElement>();
        Assert.Equal(
            (tasks[0], "alice", "exclusive"),
            (row.Number("locked_by_task_id"), row.Text("locked_by_agent_id"), row.Text("lock_mode"))
        );
        var other = await http.PostAsJsonAsync("/api/v1/locks", body with { task_id = tasks[1] });
        Assert.Equal(HttpStatusCode.Conflict, other.StatusCode);
        Assert.Contains(
            $"task {tasks[1]} waits for repo:shop, which task {tasks[0]} (alice) holds",
            await other.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
        var wrong = await http.PostAsJsonAsync("/api/v1/locks", body with { resource_type = "A B" });
        Assert.Equal(HttpStatusCode.BadRequest, wrong.StatusCode);
        var idle = (await rig.Add(await rig.Ticket(), TaskRig.New("idle")))[0];
        var none = await http.PostAsJsonAsync("/api/v1/locks", body with { task_id = idle });
        Assert.Equal(HttpStatusCode.Conflict, none.StatusCode);
        Assert.Single((await http.GetFromJsonAsync<JsonElement>("/api/v1/locks")).EnumerateArray());
        var released = await http.PostAsJsonAsync($"/api/v1/locks/{row.Number("id")}/release", new { });
        Assert.Equal(HttpStatusCode.OK, released.StatusCode);
        Assert.Empty(await rig.Locks());
    }

    [Fact]
    public async Task An_agent_lists_its_own_locks_and_those_on_a_resource()
    {
        await using var rig = await TaskRig.Start();
        await rig.Running("alice", "bob");
        await rig.Acquire("alice", "repo:shop");
        await rig.Acquire("bob", "db:main");
        await rig.Queue("bob", "repo:shop");
        var own = (await rig.Of("bob").CallAsync("lock", new { action = "list" })).GetProperty("locks");
        Assert.Equal(["main", "shop"], own.EnumerateArray().Select(row => row.Text("resource_id")));
        var shop = (await rig.Lock("bob", "repo:shop", action: "list")).GetProperty("locks");
        Assert.Equal(["alice", "bob"], shop.EnumerateArray().Select(row => row.Text("agent")));
        var ends = (await rig.Of("bob").CallAsync("loose_ends")).GetProperty("items").EnumerateArray();
        Assert.Contains(ends, end => end.Text("kind") == "lock" && end.Text("role") == "waits");
    }

    [Fact]
    public async Task An_agent_that_waits_for_a_lock_is_not_reminded_of_its_task()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Add(await rig.Ticket(), TaskRig.New("a"), TaskRig.New("b"));
        await rig.Worker("alice");
        await rig.Worker("bob");
        await rig.Run(tasks[0], "alice");
        await rig.Acquire("alice", "repo:shop");
        var turn = await rig.Run(tasks[1], "bob");
        await rig.Queue("bob", "repo:shop");
        await rig.EndTurn("bob", turn);
        rig.Pass(300);
        Assert.Empty(await rig.Messages("bob"));
        await rig.Release("alice", "repo:shop");
        Assert.Equal("lock_granted", Assert.Single(await rig.News("bob")).Text("event"));
    }

    [Fact]
    public async Task Locks_and_kept_places_are_there_after_a_restart()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob", "carol");
        await rig.Acquire("alice", "repo:shop", "shared");
        await rig.Acquire("alice", "repo:shop", "shared");
        await rig.Lock("alice", "db:main", ttl: 60);
        await rig.Queue("bob", "repo:shop");
        _ = rig.Lock("carol", "repo:shop", wait: 180);
        await rig.UntilLocks(
            "alice shared granted 2",
            "alice exclusive granted 1",
            "bob exclusive waiting 0",
            "carol exclusive waiting 0"
        );
        await rig.Worker("dora");
        var held = await rig.Declaring(await rig.Ticket(), "repo:shop");
        await rig.Claim(held, "dora");
        await rig.Restart(() => rig.Hive.Clock.Advance(TimeSpan.FromSeconds(100)));
        Assert.Equal(["alice shared granted 2", "bob exclusive waiting 0"], await rig.Locks());
        Assert.Equal($"waits for repo:shop, which task {tasks[0]} (alice) holds", await rig.LockHold(held));
        await rig.Connect("alice");
        await rig.Connect("bob");
        await rig.Release("alice", "repo:shop");
        await rig.Release("alice", "repo:shop");
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks());
        await rig.Release("bob", "repo:shop");
        Assert.Empty((await rig.Task(held)).Holds());
    }

    [Fact]
    public async Task A_write_that_fails_leaves_the_memory_of_locks_as_it_was()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        await rig.Acquire("alice", "repo:shop");
        await rig.Queue("bob", "repo:shop");
        var locks = rig.Hive.Services.GetRequiredService<Hive.Features.Locks.Contracts.ILocks>();
        await Assert.ThrowsAsync<InvalidOperationException>(() =>
            rig.Change(write =>
            {
                locks.ReleaseAll(write, tasks[0], "in vain");
                locks.Reassign(write, tasks[1], "carol");
                locks.TryTakeAll(write, tasks[0], "alice", ["repo:shop", "db:main"]);
                throw new InvalidOperationException("in vain");
            })
        );
        Assert.Equal(["alice exclusive granted 1", "bob exclusive waiting 0"], await rig.Locks());
        Assert.True(await rig.Acquire("bob", "db:main"));
        await rig.Release("alice", "repo:shop");
        Assert.Equal(["bob exclusive granted 1"], await rig.Locks("repo:shop"));
    }

    [Fact]
    public async Task Another_agent_has_the_locks_of_a_task_that_is_handed_off()
    {
        await using var rig = await TaskRig.Start();
        var tasks = await rig.Running("alice", "bob");
        await rig.Acquire("alice", "repo:shop");
        await rig.Acquire("bob", "db:main");
        await rig.Queue("alice", "db:main");
        var locks = rig.Hive.Services.GetRequiredService<Hive.Features.Locks.Contracts.ILocks>();
        await rig.Change(write => locks.Reassign(write, tasks[0], "carol"));
        Assert.Equal(["carol exclusive granted 1", "bob exclusive granted 1"], await rig.Locks());
    }
}
