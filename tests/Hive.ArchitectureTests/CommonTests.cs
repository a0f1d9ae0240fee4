namespace Hive.ArchitectureTests;

/// <summary>How the folders of Common use each other.</summary>
public sealed class CommonTests
{
    [Fact]
    public void The_folders_of_Common_form_no_circle()
    {
        var arrows = Solution
            .Common.Types.SelectMany(type => type.Uses.Select(used => (From: FolderOf(type.Name), To: FolderOf(used))))
            .Where(arrow => arrow.From is not null && arrow.To is not null && arrow.From != arrow.To)
            .Distinct()
            .ToLookup(arrow => arrow.From!, arrow => arrow.To!);
        Assert.Contains("Errors", arrows["Storage"]);
        Assert.Contains("Processes", arrows["Git"]);
        Assert.Empty(arrows.Select(folder => Circle(folder.Key, [folder.Key], arrows)).OfType<string>());
    }

    [Fact]
    public void Only_the_Linux_folder_of_the_server_calls_the_C_library()
    {
        var callers = new[] { Solution.Features, Solution.Common, Solution.Protocol, Solution.Host }
            .SelectMany(assembly => assembly.Types)
            .Where(type => type.Calls.Any(call => call.StartsWith("native ", StringComparison.Ordinal)))
            .Select(type => type.ToString())
            .ToArray();
        Assert.Contains(callers, caller => caller.StartsWith("Hive.Common.Linux.", StringComparison.Ordinal));
        Assert.DoesNotContain(
            callers,
            caller =>
                !caller.StartsWith("Hive.Common.Linux.", StringComparison.Ordinal)
                && caller != "Hive.Features.Containers.Native"
        );
    }

    private static string? FolderOf(TypeName type)
    {
        const string Begin = "Hive.Common.";
        return type.Namespace.StartsWith(Begin, StringComparison.Ordinal)
            ? type.Namespace[Begin.Length..].Split('.')[0]
            : null;
    }

    // The first circle that a walk from the last folder of the path finds, such as "A → B → A".
    private static string? Circle(string folder, string[] path, ILookup<string, string> arrows) =>
        arrows[folder]
            .Select(next =>
                next == path[0] ? string.Join(" → ", [.. path, next])
                : path.Contains(next) ? null
                : Circle(next, [.. path, next], arrows)
            )
            .FirstOrDefault(circle => circle is not null);
}
