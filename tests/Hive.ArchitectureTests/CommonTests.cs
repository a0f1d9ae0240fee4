namespace Hive.ArchitectureTests;

/// <summary>How the folders of Common use each other.</summary>
public sealed class CommonTests
{
    [Fact]
    public void The_folders_of_Common_form_no_circle()
    {
        var arrows = FolderCircles.Arrows(Solution.Common.Types, "Hive.Common.");
        Assert.Contains("Errors", arrows["Storage"]);
        Assert.Contains("Processes", arrows["Git"]);
        Assert.Empty(FolderCircles.Find(arrows));
    }

    [Fact]
    public void Only_the_Linux_folder_of_the_server_calls_the_C_library()
    {
        var callers = new[] { Solution.Features, Solution.Runtimes, Solution.Common, Solution.Protocol, Solution.Host }
            .SelectMany(assembly => assembly.Types)
            .Where(type => type.Calls.Any(call => call.StartsWith("native ", StringComparison.Ordinal)))
            .Select(type => type.ToString())
            .ToArray();
        Assert.Contains(callers, caller => caller.StartsWith("Hive.Common.Linux.", StringComparison.Ordinal));
        Assert.DoesNotContain(callers, caller => !caller.StartsWith("Hive.Common.Linux.", StringComparison.Ordinal));
    }
}
