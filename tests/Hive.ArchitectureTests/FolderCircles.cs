namespace Hive.ArchitectureTests;

/// <summary>Finds circles between the folders of a namespace.</summary>
internal static class FolderCircles
{
    /// <summary>Each folder, and the folders that its types use.</summary>
    public static ILookup<string, string> Arrows(IEnumerable<ScannedType> types, string begin) =>
        types
            .SelectMany(type => type.Uses.Select(used => (From: FolderOf(type.Name, begin), To: FolderOf(used, begin))))
            .Where(arrow => arrow.From is not null && arrow.To is not null && arrow.From != arrow.To)
            .Distinct()
            .ToLookup(arrow => arrow.From!, arrow => arrow.To!);

    /// <summary>Every circle, such as "A → B → A".</summary>
    public static IEnumerable<string> Find(ILookup<string, string> arrows) =>
        arrows.Select(folder => Walk(folder.Key, [folder.Key], arrows)).OfType<string>();

    private static string? FolderOf(TypeName type, string begin) =>
        type.Namespace.StartsWith(begin, StringComparison.Ordinal)
            ? type.Namespace[begin.Length..].Split('.')[0]
            : null;

    // The first circle that a walk from the last folder of the path finds.
    private static string? Walk(string folder, string[] path, ILookup<string, string> arrows) =>
        arrows[folder]
            .Select(next =>
                next == path[0] ? string.Join(" → ", [.. path, next])
                : path.Contains(next) ? null
                : Walk(next, [.. path, next], arrows)
            )
            .FirstOrDefault(circle => circle is not null);
}
