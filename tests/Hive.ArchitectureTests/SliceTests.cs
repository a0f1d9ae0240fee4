using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary>Which slice may know which (architecture, sections 1 and 3).</summary>
public sealed partial class SliceTests
{
    // Each slice, and those whose contracts it may use.
    private static readonly Dictionary<string, string[]> Arrows = new()
    {
        ["Agents"] = [],
        ["StateFiles"] = ["Agents"],
        ["Messages"] = ["Agents", "StateFiles"],
        ["Reminders"] = ["Agents", "StateFiles", "Messages"],
        ["Questions"] = ["Agents", "StateFiles", "Messages"],
        ["Containers"] = ["Agents", "Messages"],
        ["Meta"] = ["Agents", "Containers"],
        ["Approvals"] = ["Agents", "Messages", "Containers", "Meta"],
        ["Forge"] = ["Agents", "StateFiles", "Messages", "Containers", "Meta", "Approvals"],
        ["Turns"] = ["Agents", "Messages"],
        ["Dashboard"] = [],
        ["Doctor"] = [],
        ["Backups"] = [],
    };

    [Fact]
    public void Every_type_of_the_features_belongs_to_a_slice_that_is_known()
    {
        var slices = Solution.Features.Types.Select(t => Solution.SliceOf(t.Name.Namespace)).Distinct().ToArray();
        Assert.Contains("Agents", slices);
        Assert.Contains("Messages", slices);
        Assert.All(slices.OfType<string>(), slice => Assert.Contains(slice, Arrows.Keys));
        // Outside of the slices stands only the list that puts them together.
        Assert.All(
            Solution.Features.Types.Where(t => Solution.SliceOf(t.Name.Namespace) is null),
            t => Assert.StartsWith("Hive.Features.FeatureRegistration", t.ToString(), StringComparison.Ordinal)
        );
    }

    [Fact]
    public void The_arrows_lead_down_only()
    {
        HashSet<string> below = [];
        foreach (var (slice, uses) in Arrows)
        {
            Assert.Superset(uses.ToHashSet(), below);
            below.Add(slice);
        }
    }

    [Fact]
    public void A_slice_uses_only_the_contracts_of_the_slices_below_it()
    {
        var crossings = (
            from type in Solution.Features.Types
            let slice = Solution.SliceOf(type.Name.Namespace)
            where slice is not null
            from used in type.Uses
            let other = Solution.SliceOf(used.Namespace)
            where other is not null && other != slice
            select (
                Slice: slice,
                Other: other,
                Text: $"{type} uses {used}",
                Contract: Solution.IsContract(used.Namespace)
            )
        ).ToArray();
        Assert.NotEmpty(crossings);
        Assert.Empty(crossings.Where(c => !c.Contract).Select(c => c.Text).Distinct());
        Assert.Empty(crossings.Where(c => !Arrows[c.Slice].Contains(c.Other)).Select(c => c.Text).Distinct());
    }

    // Constants are compiled in, so what a file names is looked at as well.
    [Fact]
    public void A_file_names_only_the_contracts_of_the_slices_below_its_own()
    {
        var features = Path.Combine(Solution.Root, "src", "Features");
        var named = (
            from file in Directory.EnumerateFiles(features, "*.cs", SearchOption.AllDirectories)
            let path = Path.GetRelativePath(features, file)
            where path.Contains('/', StringComparison.Ordinal)
            let slice = path.Split('/')[0]
            from Match match in SliceName().Matches(File.ReadAllText(file))
            let other = match.Groups["slice"].Value
            where other != slice
            select (
                Slice: slice,
                Other: other,
                Text: $"{path}: {match.Value}",
                Contract: match.Groups["contracts"].Success
            )
        ).ToArray();
        Assert.NotEmpty(named);
        Assert.Empty(named.Where(n => !n.Contract || !Arrows[n.Slice].Contains(n.Other)).Select(n => n.Text));
    }

    [Fact]
    public void Common_and_Protocol_know_no_feature()
    {
        Assert.Contains("Hive.Protocol", Solution.Common.References);
        Assert.DoesNotContain(
            Solution.Common.References,
            r => r.StartsWith("Hive", StringComparison.OrdinalIgnoreCase) && r != "Hive.Protocol"
        );
        Assert.DoesNotContain(
            Solution.Protocol.References,
            r => r.StartsWith("Hive", StringComparison.OrdinalIgnoreCase)
        );
        Assert.NotEmpty(Solution.Protocol.Types);
        Assert.DoesNotContain(
            Solution.Common.Types.Concat(Solution.Protocol.Types),
            t => t.Uses.Any(u => u.Namespace.StartsWith("Hive.Features", StringComparison.Ordinal))
        );
    }

    [Fact]
    public void The_programs_of_operators_and_agents_know_only_the_protocol()
    {
        foreach (var program in new[] { Solution.Cli, Solution.Agent })
        {
            Assert.Contains("Hive.Protocol", program.References);
            Assert.DoesNotContain(
                program.References,
                r => r.StartsWith("Hive", StringComparison.OrdinalIgnoreCase) && r != "Hive.Protocol"
            );
        }
    }

    [Fact]
    public void Only_the_modules_ground_knows_Carter()
    {
        var users = Solution
            .All.SelectMany(a => a.Types)
            .Where(t => t.Uses.Any(u => u.Namespace == "Carter"))
            .Select(t => t.Name.Name.Split('+')[0])
            .Distinct()
            .ToArray();
        Assert.Contains("FeatureModule", users);
        // The host maps the modules; they register themselves through their ground.
        Assert.Empty(users.Except(["FeatureModule", "CommonRegistration", "HiveApp"]));
    }

    [GeneratedRegex(
        @"\bHive\.Features\.(?<slice>[A-Z]\w*)(?<contracts>\.Contracts)?|(?<=using\s)(?<slice>[A-Z]\w*)(?<contracts>\.Contracts);"
    )]
    private static partial Regex SliceName();
}
