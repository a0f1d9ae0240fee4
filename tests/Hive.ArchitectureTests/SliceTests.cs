using System.Text.RegularExpressions;

namespace Hive.ArchitectureTests;

/// <summary>Which slice may know which: the code is compared with what the slices' modules declare.</summary>
public sealed partial class SliceTests
{
    // Each slice, with the slices that its module declares as used.
    private static readonly Dictionary<string, IReadOnlyList<string>> Declared = Features
        .Features.InStartOrder()
        .ToDictionary(module => module.Slice, module => module.Used);

    [Fact]
    public void Every_type_of_the_features_belongs_to_a_listed_slice()
    {
        var slices = Solution.Features.Types.Select(t => Solution.SliceOf(t.Name.Namespace)).Distinct().ToArray();
        Assert.Equal(Declared.Keys.Order(), slices.OfType<string>().Order());
        // Only the list itself is outside of the slices.
        Assert.All(
            Solution.Features.Types.Where(t => Solution.SliceOf(t.Name.Namespace) is null),
            t => Assert.StartsWith("Hive.Features.Features", t.ToString(), StringComparison.Ordinal)
        );
    }

    [Fact]
    public void The_declared_uses_form_no_circle()
    {
        var open = Declared.ToDictionary(d => d.Key, d => d.Value.ToHashSet());
        // Removes the slices that use no remaining slice, until none remains or the remaining ones hold a circle.
        while (open.Where(o => o.Value.Count == 0).Select(o => o.Key).ToArray() is { Length: > 0 } done)
        {
            foreach (var slice in done)
                open.Remove(slice);
            foreach (var uses in open.Values)
                uses.ExceptWith(done);
        }

        Assert.Empty(open.Select(o => $"{o.Key} uses {string.Join(", ", o.Value)}"));
    }

    [Fact]
    public void Each_slice_uses_the_slices_that_its_module_declares_and_no_others()
    {
        var found = Crossings().Concat(Named()).Where(c => !Declared[c.Slice].Contains(c.Other)).Select(c => c.Text);
        Assert.Empty(found.Distinct());
        var used = Crossings().Concat(Named()).Select(c => (c.Slice, c.Other)).ToHashSet();
        var declared = Declared.SelectMany(d => d.Value.Select(other => (Slice: d.Key, Other: other)));
        Assert.Empty(declared.Where(d => !used.Contains(d)).Select(d => $"{d.Slice} does not use {d.Other}"));
    }

    [Fact]
    public void A_slice_uses_only_the_contracts_of_others()
    {
        var crossings = Crossings();
        Assert.NotEmpty(crossings);
        Assert.Empty(crossings.Where(c => !c.Contract).Select(c => c.Text).Distinct());
    }

    // Constants are compiled in and cannot be seen in the assembly, so the files are searched as well.
    [Fact]
    public void A_file_names_only_the_contracts_of_other_slices()
    {
        var named = Named();
        Assert.NotEmpty(named);
        Assert.Empty(named.Where(n => !n.Contract).Select(n => n.Text));
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
    public void Only_the_base_of_the_modules_knows_Carter()
    {
        var users = Solution
            .All.SelectMany(a => a.Types)
            .Where(t => t.Uses.Any(u => u.Namespace == "Carter"))
            .Select(t => t.Name.Name.Split('+')[0])
            .Distinct()
            .ToArray();
        Assert.Contains("FeatureModule", users);
        // CommonRegistration registers the modules, and HiveApp maps them.
        Assert.Empty(users.Except(["FeatureModule", "CommonRegistration", "HiveApp"]));
    }

    private static Crossing[] Crossings() =>
        [
            .. from type in Solution.Features.Types
            let slice = Solution.SliceOf(type.Name.Namespace)
            where slice is not null
            from used in type.Uses
            let other = Solution.SliceOf(used.Namespace)
            where other is not null && other != slice
            select new Crossing(slice, other, $"{type} uses {used}", Solution.IsContract(used.Namespace)),
        ];

    private static Crossing[] Named()
    {
        var features = Path.Combine(Solution.Root, "src", "Features");
        return
        [
            .. from file in Directory.EnumerateFiles(features, "*.cs", SearchOption.AllDirectories)
            let path = Path.GetRelativePath(features, file)
            where path.Contains('/', StringComparison.Ordinal)
            let slice = path.Split('/')[0]
            from Match match in SliceName().Matches(File.ReadAllText(file))
            let other = match.Groups["slice"].Value
            where other != slice
            select new Crossing(slice, other, $"{path}: {match.Value}", match.Groups["contracts"].Success),
        ];
    }

    private sealed record Crossing(string Slice, string Other, string Text, bool Contract);

    [GeneratedRegex(
        @"\bHive\.Features\.(?<slice>[A-Z]\w*)(?<contracts>\.Contracts)?"
            + @"|(?<=using\s)(?<slice>[A-Z]\w*)(?<contracts>\.Contracts);"
    )]
    private static partial Regex SliceName();
}
