using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;
using Hive.Tests.Tickets;

namespace Hive.Tests.Tasks;

/// <summary>Tasks that come with a ticket are checked before it is stored.</summary>
public sealed class NewTicketTasksTests
{
    [Theory]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"timeout_seconds\":1000000000000000}", "'timeout_seconds'")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"timeout_seconds\":0}", "'timeout_seconds'")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"priority\":\"high\"}", "'priority' can be CRITICAL")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"quorum\":\"x\"}", "'quorum' can be all")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"phase_id\":\"PHASE_MOON\"}", "there are PHASE_TODO")]
    [InlineData("{\"task_type\":\"a\",\"title\":\"t\",\"depends_on\":[7]}", "'depends_on' names '7'")]
    [InlineData("null", "is null")]
    public async Task A_malformed_task_is_refused_with_its_place_and_makes_no_ticket(string task, string fault)
    {
        foreach (var review in (string[])["false", "true"])
        {
            await using var hive = await HiveFixture.Start("--tickets-human-review", review);
            var host = await hive.Board();
            var tasks = new[]
            {
                JsonElement.Parse("{\"task_type\":\"a\",\"title\":\"fine\"}"),
                JsonElement.Parse(task),
            };
            var refused = await Assert.ThrowsAsync<HiveException>(() => host.Create("Log in", new { tasks }));
            Assert.Equal("invalid", refused.Code);
            Assert.Contains("tasks[1]: ", refused.Message, StringComparison.Ordinal);
            Assert.Contains(fault, refused.Message, StringComparison.Ordinal);
            Assert.Empty((await host.CallAsync("tickets")).GetProperty("tickets").EnumerateArray());
        }
    }

    [Fact]
    public async Task An_unknown_agent_and_a_cycle_are_refused_before_the_approval()
    {
        await using var hive = await HiveFixture.Start("--tickets-human-review", "true");
        var host = await hive.Board();
        var ghost = new
        {
            task_type = "a",
            title = "t",
            agent = "ghost",
        };
        var refused = await Assert.ThrowsAsync<HiveException>(() => host.Create("x", new { tasks = new[] { ghost } }));
        Assert.Equal("not_found", refused.Code);
        var cycle = await Assert.ThrowsAsync<HiveException>(() =>
            host.Create("x", new { tasks = new[] { TaskRig.New("a", "b"), TaskRig.New("b", "a") } })
        );
        Assert.Equal("conflict", cycle.Code);
        var id = await host.Create("x", new { tasks = new[] { TaskRig.New("a"), TaskRig.New("b", "a") } });
        await host.CallAsync("ticket_approve", new { id });
        Assert.Equal(2, (await host.CallAsync("tasks", new { ticket = id })).GetProperty("tasks").GetArrayLength());
    }
}
