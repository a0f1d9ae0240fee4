using System.Globalization;
using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary>docs/asvs.md: its counts, and the tests that it names.</summary>
public sealed partial class AsvsPageTests
{
    private static readonly string[] States = ["met", "not applicable", "**open**"];
    private static readonly string[] Lines = File.ReadAllLines(Path.Combine(Solution.Root, "docs", "asvs.md"));

    // Cells of the rows with a requirement: item, level, about, state, how or why.
    private static readonly string[][] Items =
    [
        .. Lines
            .Where(line => Item().IsMatch(line))
            .Select(line => line.Trim('|', ' ').Split(" | ", StringSplitOptions.TrimEntries)),
    ];

    [Fact]
    public void The_counts_are_those_of_the_items()
    {
        Assert.All(Items, item => Assert.Contains(item[3], States));
        Assert.Equal(Items.Length, Items.Select(item => item[0]).Distinct().Count());
        var counts = Lines.Select(line => Count().Match(line)).Where(row => row.Success).ToArray();
        Assert.Equal(18, counts.Length);
        foreach (var row in counts)
        {
            var chapter = row.Groups["chapter"].Value;
            var items = Items.Where(item => chapter.Length == 0 || item[0].Split('.')[0] == chapter);
            Assert.Equal(
                States.Select(state => items.Count(item => item[3] == state)),
                row.Groups["count"].Captures.Select(c => int.Parse(c.Value, CultureInfo.InvariantCulture))
            );
        }
    }

    [Fact]
    public void The_tests_that_it_names_exist()
    {
        var names = Items.SelectMany(item => TestName().Matches(item[4])).Select(m => m.Groups[1].Value).Distinct();
        var sources = Directory
            .EnumerateFiles(Path.Combine(Solution.Root, "tests"), "*.cs", SearchOption.AllDirectories)
            .Concat(
                Directory.EnumerateFiles(
                    Path.Combine(Solution.Root, "src", "Dashboard", "src"),
                    "*.test.ts",
                    SearchOption.AllDirectories
                )
            )
            .Select(Path.GetFileName)
            .ToHashSet();
        Assert.All(
            names,
            name => Assert.Contains(name.EndsWith(".ts", StringComparison.Ordinal) ? name : name + ".cs", sources)
        );
    }

    [GeneratedRegex(@"^\| [0-9]+\.[0-9]+\.[0-9]+ \|")]
    private static partial Regex Item();

    [GeneratedRegex(@"^\| (\[V(?<chapter>[0-9]+) .*\]\(.*\)|all)( \| (?<count>[0-9]+)){3} \|$")]
    private static partial Regex Count();

    [GeneratedRegex(@"`([A-Za-z0-9]+Tests|[a-z0-9-]+\.test\.ts)[.`]")]
    private static partial Regex TestName();
}
