using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary><c>tests/long.map</c>, by which <c>./test --touched</c> chooses classes of the long ring.</summary>
public sealed partial class LongMapTests
{
    private static readonly string Tests = Path.Combine(Solution.Root, "tests");

    private static readonly (string Place, string[] Classes)[] Lines =
    [
        .. from line in File.ReadLines(Path.Combine(Solution.Root, "tests", "long.map"))
        let words = Comment().Replace(line, "").Split(' ', StringSplitOptions.RemoveEmptyEntries)
        where words.Length > 0
        select (words[0], words[1..]),
    ];

    // A file holds one class of tests, which has its name.
    private static readonly (string Class, bool IsLong, bool Varies)[] Classes =
    [
        .. from file in Directory.EnumerateFiles(Tests, "*Tests.cs", SearchOption.AllDirectories)
        let name = Path.GetRelativePath(Tests, file)[..^3].Replace('/', '.')
        let text = File.ReadAllText(file)
        select (name, Mark().IsMatch(text), Varying().IsMatch(text)),
    ];

    [Fact]
    public void Each_class_whose_tests_differ_by_ring_or_seed_has_a_mark() =>
        AssertNone(Classes.Where(c => c.Varies && !c.IsLong).Select(c => c.Class));

    [Fact]
    public void Each_class_of_the_long_ring_is_chosen_for_some_change()
    {
        var marked = Classes.Where(c => c.IsLong).Select(c => c.Class).ToArray();
        Assert.NotEmpty(marked);
        AssertNone(marked.Where(name => !Lines.Any(line => line.Classes.Any(c => Fits(c, name)))));
    }

    [Fact]
    public void Each_name_of_the_map_is_that_of_a_class_of_the_long_ring() =>
        AssertNone(
            Lines
                .SelectMany(line => line.Classes)
                .Where(name => !Classes.Any(c => c.IsLong && Fits(name, c.Class)))
                .Distinct()
        );

    [Fact]
    public void Each_folder_of_the_sources_is_a_place_of_the_map_that_exists()
    {
        var source = Path.Combine(Solution.Root, "src");
        string[] folders =
        [
            .. Directory.EnumerateDirectories(source).Where(f => Path.GetFileName(f) != "Features"),
            .. Directory.EnumerateDirectories(Path.Combine(source, "Features")),
        ];
        var places = Lines.Select(line => line.Place).Where(place => place != "*").ToArray();
        AssertNone(
            folders
                .Select(folder => Path.GetRelativePath(Solution.Root, folder))
                .Where(folder => !places.Any(place => place == folder || Inside(place, folder)))
        );
        AssertNone(places.Where(place => !Path.Exists(Path.Combine(Solution.Root, place))));
        Assert.Single(Lines, line => line.Place == "*");
    }

    // A place may also be part of a folder, if others name the rest.
    private static bool Inside(string place, string folder) => place.StartsWith($"{folder}/", StringComparison.Ordinal);

    private static bool Fits(string name, string full) =>
        name.EndsWith(".*", StringComparison.Ordinal)
            ? full.StartsWith(name[..^1], StringComparison.Ordinal)
            : full == name;

    private static void AssertNone(IEnumerable<string> names) => Assert.True(!names.Any(), string.Join('\n', names));

    [GeneratedRegex(@"^\s*\[([^\]""]+, )?(Long|Sampled)\]", RegexOptions.Multiline)]
    private static partial Regex Mark();

    [GeneratedRegex(@"\b(Ring|Property)\.[A-Z]")]
    private static partial Regex Varying();

    [GeneratedRegex("#.*")]
    private static partial Regex Comment();
}
