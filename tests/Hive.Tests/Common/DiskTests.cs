using System.Collections.Concurrent;
using System.Diagnostics;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Microsoft.Win32.SafeHandles;

namespace Hive.Tests.Common;

public sealed class DiskTests
{
    [Fact]
    public async Task A_full_disk_refuses_writes_and_publishes_nothing_until_there_is_room()
    {
        await HostProcess.RequireMounts();
        await using var host = await HostProcess.StartWithMounts(
            """
            mount -t tmpfs -o size=6m,mode=700 tmpfs "$DATA"
            head -c 4000000 /dev/zero >"$DATA/filler"
            """
        );
        await host.Spawn("alice", "bob");
        using var http = new HttpClient { BaseAddress = new Uri(await host.Url()) };
        http.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            (await File.ReadAllTextAsync(host.Inside(Path.Combine(host.DataDir, "access-token")))).Trim()
        );
        using var events = await EventReader.Open(http, null);
        ConcurrentBag<long> acknowledged = [];
        var refused = 0;
        await Task.WhenAll(
            Enumerable
                .Range(0, 8)
                .Select(async _ =>
                {
                    using var alice = await host.Agent("alice");
                    for (var refusals = 0; refusals < 10; )
                    {
                        try
                        {
                            acknowledged.Add(
                                (await alice.CallAsync("send", new { to = "bob", body = new string('x', 4000) }))
                                    .GetProperty("id")
                                    .GetInt64()
                            );
                        }
                        catch (HiveException e)
                        {
                            Assert.Equal("unavailable", e.Code);
                            Assert.Contains("full", e.Message, StringComparison.Ordinal);
                            refusals++;
                            Interlocked.Increment(ref refused);
                        }
                    }
                })
        );
        Assert.Equal(80, refused);
        Assert.NotEmpty(acknowledged);
        // Reads and requests that store nothing still work.
        using var bob = await host.Agent("bob");
        await bob.CallAsync("whoami");
        await bob.CallAsync("recent");
        // Enough for the rest: receiving and acking each message writes its page into the WAL twice more.
        File.Delete(host.Inside(Path.Combine(host.DataDir, "filler")));
        using (var alice = await host.Agent("alice"))
        {
            for (var i = 0; i < 20; i++)
                acknowledged.Add(
                    (await alice.CallAsync("send", new { to = "bob", body = "room again" }))
                        .GetProperty("id")
                        .GetInt64()
                );
        }

        // Exactly the acknowledged messages were published and can be received.
        HashSet<long> published = [];
        while (published.Count < acknowledged.Count)
            Assert.True(published.Add((await events.Next("sent")).GetProperty("message").GetProperty("id").GetInt64()));
        Assert.Equal(acknowledged.Order(), published.Order());
        List<long> received = [];
        while (
            (await bob.CallAsync("recv", new { wait_seconds = 0, max = 32 })).GetProperty("messages") is var messages
            && messages.GetArrayLength() > 0
        )
        {
            received.AddRange(messages.EnumerateArray().Select(m => m.GetProperty("id").GetInt64()));
            await bob.CallAsync("ack", new { all = true });
        }

        Assert.Equal(acknowledged.Order(), received);
    }

    [Fact]
    public async Task A_full_disk_refuses_tickets_and_results_as_a_whole_until_there_is_room()
    {
        await HostProcess.RequireMounts();
        await using var host = await HostProcess.StartWithMounts(
            """
            mount -t tmpfs -o size=6m,mode=700 tmpfs "$DATA"
            head -c 3500000 /dev/zero >"$DATA/filler"
            """
        );
        var folder = Directory.CreateDirectory(host.Inside(Path.Combine(host.DataDir, "applied", "alice"))).FullName;
        await File.WriteAllTextAsync(Path.Combine(folder, "agent.yaml"), "duty: worker\n");
        await host.Spawn("alice");
        using var alice = await host.Agent("alice");
        using var line = await host.Operator();
        var first = new { title = "first", tasks = new[] { new { task_type = "write", title = "Write" } } };
        var ticket = (await line.CallAsync("ticket_create", first)).GetProperty("ticket").GetProperty("id").GetInt64();
        var message = (await alice.CallAsync("recv", new { wait_seconds = 180 })).GetProperty("messages")[0];
        var task = JsonElement.Parse(message.GetProperty("body").GetString()!).GetProperty("id").GetInt64();
        await alice.CallAsync("get_work");

        List<long> made = [ticket];
        for (var refusals = 0; refusals < 10; )
            refusals = await Unavailable(Create()) ? refusals + 1 : 0;
        // The rest of the disk, up to its last block.
        using (var rest = File.OpenHandle(Filler("rest"), FileMode.CreateNew, FileAccess.Write))
            Fill(rest);
        for (var i = 0; i < 3; i++)
            Assert.True(await Unavailable(Complete()), "the result was stored on a full disk");
        Assert.Equal("running", await Status());
        Assert.Equal(0, await Artifacts());
        Assert.Equal(made, await Tickets());

        foreach (var file in new[] { "filler", "rest" })
            File.Delete(Filler(file));
        await Complete();
        await Create();
        Assert.Equal("completed", await Status());
        Assert.Equal(3, await Artifacts());
        Assert.Equal(made, await Tickets());

        string Filler(string name) => host.Inside(Path.Combine(host.DataDir, name));

        async Task Create()
        {
            var answer = await line.CallAsync(
                "ticket_create",
                new { title = "x", description = new string('x', 16000) }
            );
            made.Add(answer.GetProperty("ticket").GetProperty("id").GetInt64());
        }

        async Task Complete()
        {
            var artifacts = Enumerable
                .Range(0, 3)
                .Select(i => new { type = $"report {i}", content = new { text = new string('x', 15000) } });
            await alice.CallAsync("complete_task", new { summary = "It is written.", artifacts });
        }

        async Task<string?> Status() =>
            (await line.CallAsync("task", new { id = task })).GetProperty("task").GetProperty("status").GetString();

        async Task<int> Artifacts() =>
            (await line.CallAsync("artifacts", new { ticket })).GetProperty("artifacts").GetArrayLength();

        async Task<long[]> Tickets() =>
            [
                .. (await line.CallAsync("tickets", new { limit = 200 }))
                    .GetProperty("tickets")
                    .EnumerateArray()
                    .Select(t => t.GetProperty("id").GetInt64())
                    .Order(),
            ];
    }

    [Fact]
    public async Task A_full_disk_shows_in_health_and_readiness_until_there_is_room()
    {
        await HostProcess.RequireMounts();
        await using var host = await HostProcess.StartWithMounts(
            """mount -t tmpfs -o size=6m,mode=700 tmpfs "$DATA" """
        );
        using var http = new HttpClient { BaseAddress = new Uri(await host.Url()) };
        Assert.Equal("ok", (await Health()).GetProperty("status").GetString());
        Assert.Equal(200, (int)(await http.GetAsync("/ready")).StatusCode);
        var filler = host.Inside(Path.Combine(host.DataDir, "filler"));
        using (var file = File.OpenHandle(filler, FileMode.CreateNew, FileAccess.Write))
            Fill(file);
        using var line = await host.Operator();
        // Until not even the smallest write has room in the log.
        var failing = await Health();
        while (failing.GetProperty("status").GetString() == "ok")
        {
            await Unavailable(line.CallAsync("ticket_create", new { title = new string('x', 150) }));
            failing = await Health();
        }

        Assert.Equal("failing", failing.GetProperty("status").GetString());
        const string Brief = "nothing can be stored now";
        Assert.Contains(Brief, failing.GetProperty("problems")[0].GetString(), StringComparison.Ordinal);
        var told = (await line.CallAsync("version")).GetProperty("problems")[0].GetString();
        Assert.Contains("is full", told, StringComparison.Ordinal);
        using var ready = await http.GetAsync("/ready");
        Assert.Equal(503, (int)ready.StatusCode);
        Assert.Contains(Brief, await ready.Content.ReadAsStringAsync(), StringComparison.Ordinal);

        File.Delete(filler);
        // The last trial holds for a second.
        await Patience.Until(async () => (await http.GetAsync("/ready")).IsSuccessStatusCode, "it is not ready");
        Assert.Equal("ok", (await Health()).GetProperty("status").GetString());

        async Task<JsonElement> Health() => JsonElement.Parse(await http.GetStringAsync("/health"));
    }

    // Writes until the disk takes nothing more.
    private static void Fill(SafeFileHandle file)
    {
        var block = new byte[4096];
        try
        {
            for (var at = 0L; ; at += block.Length)
                RandomAccess.Write(file, block, at);
        }
        catch (IOException)
        {
            // It is full.
        }
    }

    private static async Task<bool> Unavailable(Task call)
    {
        try
        {
            await call;
            return false;
        }
        catch (HiveException e)
        {
            Assert.Equal("unavailable", e.Code);
            Assert.Contains("full", e.Message, StringComparison.Ordinal);
            return true;
        }
    }

    [Fact]
    public async Task A_read_only_data_folder_fails_the_start_with_the_flag_that_helps()
    {
        await HostProcess.RequireMounts();
        await using var host = await HostProcess.StartWithMounts(
            """mount -t tmpfs -o ro tmpfs "$DATA" """,
            answers: false
        );
        Assert.Equal(1, await host.Exit());
        Assert.Contains(host.DataDir, host.Output, StringComparison.Ordinal);
        Assert.Contains("--data-dir", host.Output, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_database_that_becomes_read_only_is_unavailable_until_it_is_writable()
    {
        // On a disk: an immutable file in memory can still be written through a descriptor that was open before.
        const string disk = "/var/tmp";
        var problem = await Immutable(disk);
        Requires.That(problem is null, problem ?? "");
        await using var hive = await HiveFixture.StartIn(
            Directory.CreateDirectory(Path.Combine(disk, $"hive-{Guid.NewGuid().ToString("N")[..8]}")).FullName
        );
        await hive.Spawn("alice", "bob");
        var (alice, bob) = (await hive.Connect("alice"), await hive.Connect("bob"));
        var events = await hive.Events();
        await alice.CallAsync("send", new { to = "bob", body = "before" });
        // Not the -shm file: it is written through a mapping, where the kernel raises a signal instead of an error.
        string[] files = [Path.Combine(hive.DataDir, "hive.sqlite"), Path.Combine(hive.DataDir, "hive.sqlite-wal")];
        try
        {
            foreach (var file in files)
                await Attribute("+i", file);
            for (var i = 0; i < 3; i++)
                Assert.Equal(
                    "unavailable",
                    (
                        await Assert.ThrowsAsync<HiveException>(() =>
                            alice.CallAsync("send", new { to = "bob", body = "lost" })
                        )
                    ).Code
                );
            await bob.CallAsync("whoami");
            Assert.Single((await bob.CallAsync("recent")).GetProperty("rows").EnumerateArray());
        }
        finally
        {
            foreach (var file in files)
                await Attribute("-i", file);
        }

        await alice.CallAsync("send", new { to = "bob", body = "after" });
        Assert.Equal("before", (await events.Next("sent")).GetProperty("message").GetProperty("body").GetString());
        Assert.Equal("after", (await events.Next("sent")).GetProperty("message").GetProperty("body").GetString());
        Assert.Equal(2, (await bob.CallAsync("status")).GetProperty("unread").GetInt32());
    }

    // ext4 refuses writes to an immutable file even through an open descriptor, like a disk that has turned read-only;
    // other file systems do not.
    private static async Task<string?> Immutable(string folder)
    {
        var file = Path.Combine(folder, $"hive-{Guid.NewGuid():N}");
        await using (var open = File.Create(file))
        {
            try
            {
                if (!await Attribute("+i", file))
                    return "a file cannot be made immutable here (this needs root and a file system that supports it)";
                try
                {
                    open.WriteByte(1);
                    open.Flush();
                    return "this file system lets an open file be written after it was made immutable";
                }
                catch (Exception e) when (e is IOException or UnauthorizedAccessException)
                {
                    return null;
                }
            }
            finally
            {
                await Attribute("-i", file);
                File.Delete(file);
            }
        }
    }

    private static async Task<bool> Attribute(string change, string file)
    {
        using var chattr = Process.Start(
            new ProcessStartInfo("/usr/bin/env", ["chattr", change, file]) { RedirectStandardError = true }
        )!;
        await chattr.WaitForExitAsync();
        return chattr.ExitCode == 0;
    }
}
