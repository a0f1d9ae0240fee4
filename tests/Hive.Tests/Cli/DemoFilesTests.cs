using Hive.Cli;
using Hive.Tests.Fixture;

namespace Hive.Tests.Cli;

/// <summary>The files that the demo carries in the command.</summary>
public sealed class DemoFilesTests
{
    [Fact]
    public async Task The_workflow_of_the_demo_loads_without_a_warning()
    {
        await using var hive = await HiveFixture.Start();
        using var host = await hive.Operator();
        using var reader = new StreamReader(typeof(CommandLine).Assembly.GetManifestResourceStream("workflow.yaml")!);

        var loaded = await host.CallAsync("workflow_load", new { text = await reader.ReadToEndAsync() });

        Assert.Equal("shop", loaded.GetProperty("workflow").GetProperty("name").GetString());
        Assert.Equal((5, 5), (Number("phases_loaded"), Number("columns_loaded")));
        Assert.Empty(loaded.GetProperty("warnings").EnumerateArray());

        int Number(string member) => loaded.GetProperty(member).GetInt32();
    }
}
