namespace Hive.ArchitectureTests;

/// <summary>How the runtimes, and the slice that uses them, are built.</summary>
public sealed class RuntimesTests
{
    [Fact]
    public void The_runtimes_know_only_Common_and_the_protocol()
    {
        Assert.NotEmpty(Solution.Runtimes.Types);
        Assert.Equal(
            ["Hive.Common", "Hive.Protocol"],
            Solution.Runtimes.References.Where(r => r.StartsWith("Hive", StringComparison.OrdinalIgnoreCase)).Order()
        );
    }

    [Fact]
    public void The_runtimes_show_nothing_to_assemblies_that_are_not_named()
    {
        Assert.Empty(Solution.Runtimes.Types.Where(t => t.IsPublic && t.Outer is null).Select(t => t.ToString()));
    }

    [Theory]
    [InlineData("Hive.Runtimes.", "Local", "Limits")]
    [InlineData("Hive.Features.Containers.", "Lifecycle", "Verbs")]
    public void The_folders_form_no_circle(string begin, string above, string below)
    {
        var types = Solution.Runtimes.Types.Concat(Solution.Features.Types);
        var arrows = FolderCircles.Arrows(types, begin);
        Assert.Contains(below, arrows[above]);
        Assert.Empty(FolderCircles.Find(arrows));
    }

    [Theory]
    [InlineData("src/Runtimes")]
    [InlineData("src/Features/Containers")]
    public void No_file_has_more_than_300_lines(string folder)
    {
        var files = Directory
            .EnumerateFiles(Path.Combine(Solution.Root, folder), "*.cs", SearchOption.AllDirectories)
            .Select(file => (file, Lines: File.ReadLines(file).Count()))
            .ToArray();
        Assert.NotEmpty(files);
        Assert.DoesNotContain(files, f => f.Lines > 300);
    }
}
