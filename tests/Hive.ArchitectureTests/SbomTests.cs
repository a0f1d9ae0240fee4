using System.Diagnostics;
using System.Text.Json;

namespace Hive.ArchitectureTests;

/// <summary>The software bill of materials that src/sbom.mjs writes from the lock files.</summary>
public sealed class SbomTests
{
    [Fact]
    public async Task The_bill_of_materials_is_CycloneDX_and_marks_shipped_packages()
    {
        var bom = await Write();
        Assert.Equal("CycloneDX", bom.GetProperty("bomFormat").GetString());
        Assert.Equal("1.6", bom.GetProperty("specVersion").GetString());
        var program = bom.GetProperty("metadata").GetProperty("component");
        Assert.Equal(("application", "hive"), (Text(program, "type"), Text(program, "name")));
        var components = bom.GetProperty("components").EnumerateArray().ToArray();
        Assert.All(
            components,
            component =>
            {
                Assert.Equal("library", Text(component, "type"));
                Assert.NotEmpty(Text(component, "name"));
                Assert.NotEmpty(Text(component, "version"));
                Assert.Matches("^pkg:(nuget|npm)/[^@]+@[^@]+$", Text(component, "purl"));
                Assert.Equal(Text(component, "purl"), Text(component, "bom-ref"));
                Assert.Contains(Text(component, "scope"), (string[])["required", "excluded"]);
                // The lock file of npm may lack the hash of a package for another system.
                if (!component.TryGetProperty("hashes", out var hashes))
                    return;
                foreach (var hash in hashes.EnumerateArray())
                    Assert.Matches("^[0-9a-f]{128}$", Text(hash, "content"));
            }
        );
        var shipped = components.Where(c => Text(c, "scope") == "required").Select(c => Text(c, "purl")).ToArray();
        Assert.Contains(shipped, purl => purl.StartsWith("pkg:nuget/SQLite@", StringComparison.Ordinal));
        Assert.Contains(shipped, purl => purl.StartsWith("pkg:npm/preact@", StringComparison.Ordinal));
        // Inside hive-agent, and in no lock file.
        Assert.Contains(
            shipped,
            purl => purl.StartsWith("pkg:nuget/Microsoft.NETCore.App.Runtime.linux-", StringComparison.Ordinal)
        );
        Assert.DoesNotContain(shipped, purl => purl.Contains("xunit", StringComparison.Ordinal));
        Assert.DoesNotContain(shipped, purl => purl.StartsWith("pkg:npm/vite@", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Each_dependency_in_the_bill_is_one_of_its_components()
    {
        var bom = await Write();
        var known = bom.GetProperty("components").EnumerateArray().Select(c => Text(c, "bom-ref")).ToList();
        known.Add(Text(bom.GetProperty("metadata").GetProperty("component"), "bom-ref"));
        Assert.Equal(known.Distinct(), known);
        var dependencies = bom.GetProperty("dependencies").EnumerateArray().ToArray();
        Assert.Equal(known.Order(), dependencies.Select(d => Text(d, "ref")).Order());
        Assert.All(
            dependencies.SelectMany(d => d.GetProperty("dependsOn").EnumerateArray()),
            dependency => Assert.Contains(dependency.GetString(), known)
        );
    }

    [Fact]
    public void Every_project_has_its_lock_file_committed_beside_it()
    {
        var projects = new[] { "src", "tests", "bench" }.SelectMany(folder =>
            Directory.EnumerateFiles(
                Path.Combine(Solution.Root, folder),
                "*.csproj",
                new EnumerationOptions { RecurseSubdirectories = true, MaxRecursionDepth = 2 }
            )
        );
        Assert.All(
            projects,
            p => Assert.True(File.Exists(Path.Combine(Path.GetDirectoryName(p)!, "packages.lock.json")), p)
        );
    }

    private static string Text(JsonElement element, string name) => element.GetProperty(name).GetString()!;

    private static async Task<JsonElement> Write()
    {
        var file = Path.Combine(Directory.CreateTempSubdirectory("hive-sbom-").FullName, "sbom.cdx.json");
        try
        {
            using var node = Process.Start("node", [Path.Combine(Solution.Root, "src", "sbom.mjs"), file]);
            await node.WaitForExitAsync(TestContext.Current.CancellationToken);
            Assert.Equal(0, node.ExitCode);
            return JsonElement.Parse(await File.ReadAllTextAsync(file, TestContext.Current.CancellationToken));
        }
        finally
        {
            Directory.Delete(Path.GetDirectoryName(file)!, recursive: true);
        }
    }
}
