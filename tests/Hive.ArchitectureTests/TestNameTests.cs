using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary>The names of tests in the whole solution.</summary>
public sealed partial class TestNameTests
{
    // A longer name is cut in the list of a test run, and usually states more than one behaviour.
    private const int Longest = 80;

    [Fact]
    public void No_name_of_a_test_is_longer_than_eighty_characters()
    {
        var tests = Path.Combine(Solution.Root, "tests");
        var names = (
            from file in Directory.EnumerateFiles(tests, "*.cs", SearchOption.AllDirectories)
            from Match test in Test().Matches(File.ReadAllText(file))
            select (File: Path.GetRelativePath(tests, file), Name: test.Groups["name"].Value)
        ).ToArray();
        Assert.Contains(names, n => n.Name == nameof(No_name_of_a_test_is_longer_than_eighty_characters));
        var tooLong = names.Where(n => n.Name.Length > Longest).Select(n => $"{n.File}: {n.Name} ({n.Name.Length})");
        // The whole list, which Assert.Empty would cut.
        Assert.True(!tooLong.Any(), string.Join('\n', tooLong));
    }

    [GeneratedRegex(@"^\s+public (async )?(Task|void) (?<name>\w+)\(", RegexOptions.Multiline)]
    private static partial Regex Test();
}
