using System.Text;
using System.Text.Json;
using Hive.Common;
using Hive.Common.Doors;
using Hive.Protocol;
using Hive.Tests.Agents;
using Hive.Tests.Fixture;
using Hive.Tests.Messages;
using MediatR;
using Microsoft.Extensions.DependencyInjection;

namespace Hive.Tests.Doors;

/// <summary>Tools that belong to a duty, brought by a slice of the test.</summary>
public sealed class DutyToolTests
{
    [Fact]
    public async Task A_tool_of_a_duty_is_listed_and_answered_only_for_that_duty()
    {
        await using var hive = await Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        await hive.SpawnAs("vera", "duty: validator\n");
        await hive.Spawn("bob");

        Assert.Equal(["dig", "dig_or_judge"], await Listed(hive, "alice"));
        Assert.Equal(["dig_or_judge", "judge"], await Listed(hive, "vera"));
        Assert.Equal(["dig_or_judge", "plan"], await Listed(hive, "manager"));
        Assert.Empty(await Listed(hive, "bob"));
        foreach (
            var (agent, own, others) in new (string, string[], string[])[]
            {
                ("alice", ["dig", "dig_or_judge"], ["judge", "plan"]),
                ("vera", ["judge", "dig_or_judge"], ["dig", "plan"]),
                ("manager", ["plan", "dig_or_judge"], ["dig", "judge"]),
                ("bob", [], ["dig", "judge", "dig_or_judge", "plan"]),
            }
        )
        {
            var line = await hive.Connect(agent);
            foreach (var tool in own)
                Assert.Equal(agent, (await line.CallAsync(tool)).GetProperty("by").GetString());
            foreach (var tool in others)
                await Talk.Refused(() => line.CallAsync(tool), "unknown_command");
        }
    }

    [Fact]
    public async Task A_refused_tool_names_its_duty_and_what_the_caller_has()
    {
        await using var hive = await Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        var alice = await hive.Connect("alice");

        var judge = await Talk.Refused(() => alice.CallAsync("judge"), "unknown_command");
        var nonsense = await Talk.Refused(() => alice.CallAsync("nonsense"), "unknown_command");

        Assert.StartsWith("'judge' needs the duty validator; available: ", judge.Message, StringComparison.Ordinal);
        Assert.StartsWith("unknown command 'nonsense'", nonsense.Message, StringComparison.Ordinal);
        Assert.Contains("dig, dig_or_judge", nonsense.Message, StringComparison.Ordinal);
        Assert.DoesNotContain(", judge", nonsense.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_redeploy_that_changes_the_duty_counts_on_open_connections()
    {
        await using var hive = await Start();
        await hive.SpawnAs("alice", "duty: worker\n");
        var alice = await hive.Connect("alice");
        await alice.CallAsync("dig");

        await hive.Redeploy("alice", "duty: validator\n");

        await Talk.Refused(() => alice.CallAsync("dig"), "unknown_command");
        Assert.Equal("alice", (await alice.CallAsync("judge")).GetProperty("by").GetString());
        Assert.Equal(["dig_or_judge", "judge"], await Listed(hive, "alice"));

        await hive.Redeploy("alice", "model: x\n");

        await Talk.Refused(() => alice.CallAsync("judge"), "unknown_command");
        Assert.Empty(await Listed(hive, "alice"));
    }

    [Fact]
    public async Task The_managers_duty_is_its_own_whatever_its_file_says()
    {
        await using var hive = await Start();

        await hive.Redeploy("manager", "duty: worker\n");

        var manager = await hive.Connect("manager");
        await manager.CallAsync("plan");
        await Talk.Refused(() => manager.CallAsync("dig"), "unknown_command");
    }

    [Fact]
    public async Task The_tools_of_any_one_agent_take_at_most_24_KiB()
    {
        await using var hive = await HiveFixture.Start();
        var catalog = hive.Services.GetRequiredService<ToolCatalog>();
        foreach (
            var (kind, duty) in new[]
            {
                (CallerKind.Agent, Duty.None),
                (CallerKind.Agent, Duty.Worker),
                (CallerKind.Agent, Duty.Validator),
                (CallerKind.Manager, Duty.Manager),
            }
        )
        {
            var tools = catalog.For(kind, duty);
            Assert.NotEmpty(tools);
            var bytes = Encoding.UTF8.GetByteCount(JsonSerializer.Serialize(tools, WireJson.Options));
            Assert.True(bytes <= 24 << 10, $"{kind} {duty}: {bytes} bytes");
        }
    }

    private static Task<HiveFixture> Start() =>
        HiveFixture.StartWith(services =>
            services
                .AddModule(new DiggingModule())
                .AddSingleton<IRequestHandler<Digging.Query, Digging.Result>, Digging.Handler>()
        );

    // The tools of this test that an agent is told of.
    private static async Task<string[]> Listed(HiveFixture hive, string agent)
    {
        using var line = await LineClient.ConnectAsync(hive.AgentSocket(agent));
        return
        [
            .. (await line.CallAsync("tools"))
                .GetProperty("tools")
                .EnumerateArray()
                .Select(t => t.GetProperty("name").GetString()!)
                .Where(DiggingModule.Names.Contains),
        ];
    }

    internal static class Digging
    {
        internal sealed record Query(Caller Caller) : IRequest<Result>;

        internal sealed record Result(string By);

        internal sealed class Handler : IRequestHandler<Query, Result>
        {
            public Task<Result> Handle(Query request, CancellationToken cancellationToken) =>
                Task.FromResult(new Result(request.Caller.Name));
        }
    }

    internal sealed class DiggingModule : FeatureModule
    {
        public static readonly string[] Names = ["dig", "judge", "dig_or_judge", "plan"];

        public DiggingModule()
        {
            Tool<Digging.Query>("dig", "Digs.", Duty.Worker);
            Tool<Digging.Query>("judge", "Judges.", Duty.Validator);
            Tool<Digging.Query>(
                "dig_or_judge",
                "Does what is to be done.",
                Duty.Worker | Duty.Validator | Duty.Manager,
                ToolHints.ReadOnly
            );
            Tool<Digging.Query>("plan", "Plans.", Duty.Manager);
        }
    }
}
