using System.Runtime.CompilerServices;
using System.Text.Json;
using Hive.Protocol;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

/// <summary>The files in <c>docs/examples</c> do what they say.</summary>
public sealed class ExampleTests
{
    [Fact]
    public async Task The_example_of_tickets_loads_with_its_links_and_tasks()
    {
        await using var hive = await HiveFixture.Start();
        using var host = await hive.Operator();

        var loaded = (await host.CallAsync("tickets_load", new { text = Example("tickets.yaml") }))
            .GetProperty("tickets")
            .EnumerateArray()
            .Select(t => t.GetProperty("id").GetInt64())
            .ToArray();

        Assert.Equal(3, loaded.Length);
        var login = (await host.CallAsync("ticket", new { id = loaded[1] })).GetProperty("ticket");
        Assert.Equal(
            loaded[0],
            Assert.Single(login.GetProperty("blocked_by").EnumerateArray()).GetProperty("id").GetInt64()
        );
        var card = login.Deserialize<TicketCard>(WireJson.Options)!;
        Assert.Equal(("HIGH", "dependency"), (card.Priority, card.Blocked));
        Assert.Equal(["security", "page"], card.Labels);
        var tasks = (await host.CallAsync("tasks", new { ticket = loaded[1] }))
            .GetProperty("tasks")
            .Deserialize<TaskView[]>(WireJson.Options)!;
        var asked = Assert.Single(tasks, t => t.TaskType == "ask_the_law");
        Assert.Equal([asked.Id], Assert.Single(tasks, t => t.TaskType == "write_notice").DependsOn);
        var receipt = (await host.CallAsync("ticket", new { id = loaded[2] }))
            .GetProperty("ticket")
            .Deserialize<TicketCard>(WireJson.Options)!;
        Assert.Equal(("LOW", 2030), (receipt.Priority, receipt.DeadlineAt?.Year));
    }

    private static string Example(string name, [CallerFilePath] string here = "") =>
        File.ReadAllText(Path.Combine(Path.GetDirectoryName(here)!, "../../../docs/examples", name));
}
