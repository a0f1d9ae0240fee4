using System.Net.Http.Json;
using System.Text.Json;
using Hive.Common.Doors;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

public sealed class NameTests
{
    public static TheoryData<string> BadNames =>
        [
            "",
            " ",
            ".",
            "..",
            "../x",
            "a/b",
            "/",
            "a\\b",
            "MANAGER",
            "Manager",
            "aB",
            "alice ",
            " alice",
            "alice\n",
            "-a",
            "a-",
            "1a",
            "a_b",
            "a.b",
            "ünïcode",
            "аlice",
            "a\u200Bb",
            "🍯",
            "a\0b",
            "*a",
            new string('a', 32),
            new string('a', 5000),
        ];

    [Theory]
    [MemberData(nameof(BadNames))]
    public async Task A_bad_name_is_refused_at_every_command_and_route_that_takes_one(string name)
    {
        var hive = await AllRows.Share(async () =>
        {
            var started = await HiveFixture.Start();
            // A worker has the tools of tasks too.
            await WorkRig.SpawnAs(started, "alice", "duty: worker\n");
            return started;
        });
        var before = await hive.State();
        var modules = hive.Services.GetServices<FeatureModule>().ToArray();
        var commands = modules
            .SelectMany(m => m.Commands)
            .Select(c => (Command: c, Fields: Naming(c.Request).ToArray()))
            .Where(c => c.Fields.Length > 0)
            .ToArray();
        Assert.NotEmpty(commands);
        foreach (var (command, fields) in commands)
        {
            using var peer = RawPeer.Connect(
                command.Doors.HasFlag(Hive.Common.Doors.Doors.Host)
                    ? hive.HostSocket
                    : hive.AgentSocket(command.Doors.HasFlag(Hive.Common.Doors.Doors.Agent) ? "alice" : "manager")
            );
            foreach (var field in fields)
            {
                // A scope is an object that holds names.
                object value = field == "scope" ? new { agent_names = new[] { name } } : name;
                var line = JsonSerializer.Serialize(
                    new Dictionary<string, object>
                    {
                        ["cmd"] = command.Name,
                        ["body"] = "x",
                        ["paused"] = true,
                        ["action"] = "request",
                        [field] = value,
                    }
                );
                Assert.Contains((command.Name, field, await peer.Refusal(line)), Refusals(command.Name, field));
            }
        }

        var routes = modules
            .SelectMany(m => m.Routes)
            .Where(r => r.Request is not null && Naming(r.Request).Any())
            .ToArray();
        Assert.NotEmpty(routes);
        var all = modules.SelectMany(m => m.Routes).Select(r => $"{r.Verb} {r.Path}").ToHashSet();
        foreach (var route in routes)
        {
            var path = route.Path.Replace("{name}", Uri.EscapeDataString(name), StringComparison.Ordinal);
            // The name is in the query, where an empty one counts as missing.
            if (route.Verb == "GET" && path == route.Path)
            {
                if (name.Length == 0)
                    continue;
                path += $"?{Naming(route.Request!).First()}={Uri.EscapeDataString(name)}";
            }

            // An address loses '.', so this is the address of a list.
            if (name is "" or "." && all.Contains($"{route.Verb} {route.Path.Replace("/{name}", "")}"))
                continue;

            using var request = new HttpRequestMessage(new HttpMethod(route.Verb), path);
            if (route.Verb == "POST")
                request.Content = JsonContent.Create(
                    new
                    {
                        to = name,
                        body = "x",
                        paused = true,
                    }
                );
            using var answer = await hive.Http().SendAsync(request);
            Assert.InRange((int)answer.StatusCode, 400, 499);
        }

        var after = await hive.State();
        Assert.Equal(before.GetProperty("agents").ToString(), after.GetProperty("agents").ToString());
        Assert.Empty(
            (await hive.Http().GetFromJsonAsync<JsonElement>("/dashboard/history"))
                .GetProperty("messages")
                .EnumerateArray()
        );
        Assert.Equal(
            ["alice", "manager"],
            Directory.GetDirectories(Path.Combine(hive.DataDir, "agents")).Select(Path.GetFileName).Order()
        );
    }

    [Theory]
    [InlineData("operator")]
    [InlineData("system")]
    [InlineData("reminder")]
    [InlineData("all")]
    [InlineData("host")]
    [InlineData("core")]
    [InlineData("agents")]
    [InlineData("hive")]
    [InlineData("forge")]
    [InlineData("admin")]
    [InlineData("root")]
    [InlineData("manager")]
    public async Task A_reserved_name_is_refused(string name)
    {
        var hive = await AllRows.Share([]);
        var refused = await Assert.ThrowsAsync<HiveException>(async () =>
            await (await hive.Operator()).CallAsync("spawn", new { name, runtime = "external" })
        );
        Assert.Equal("invalid", refused.Code);
        Assert.Contains(name, refused.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("a")]
    [InlineData("a1")]
    [InlineData("a-b-c")]
    [InlineData("x--9")]
    [InlineData("abcdefghijklmnopqrstuvwxyz01234")]
    public async Task A_good_name_is_accepted_and_its_socket_is_open_when_spawn_answers(string name)
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn(name);
        Assert.Equal(name, (await (await hive.Connect(name)).CallAsync("whoami")).GetProperty("name").GetString());
    }

    [Fact]
    public async Task A_name_cannot_be_used_twice()
    {
        await using var hive = await HiveFixture.Start();
        await hive.Spawn("alice");
        var refused = await Assert.ThrowsAsync<HiveException>(() => hive.Spawn("alice"));
        Assert.Equal("conflict", refused.Code);
    }

    // The fields of a request that name agents.
    private static IEnumerable<string> Naming(Type request) =>
        request
            .GetProperties()
            .Select(p => p.Name)
            .Where(n => n is "Name" or "To" or "Agent" or "Scope")
            // A filter is text: nothing is found for a name that nobody can have.
            .Where(n => n != "Agent" || request.DeclaringType?.Name is not ("ListWaiting" or "SubscribeWaiting"))
            .Where(n => n != "Agent" || request.DeclaringType?.Name is not ("MessageHistory" or "FollowMessages"))
            .Select(n => n.ToLowerInvariant());

    private static (string, string, string)[] Refusals(string command, string field) =>
        [(command, field, "invalid"), (command, field, "not_found")];
}
