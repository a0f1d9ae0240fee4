using Hive.Features.Agents.Contracts;

namespace Hive.Features.StateFiles;

/// <summary>
/// Decides from the text of a path whether it may name a state file. The layout below the data folder is the one that
/// containers see, so a path in host form is the data folder followed by the path in container form.
/// </summary>
internal static class StateFilePath
{
    /// <summary>The longest accepted path, in bytes of UTF-8 (PATH_MAX of Linux, with its closing zero).</summary>
    public const int MaxBytes = 4096;

    /// <summary>The most components of a path below its root, which bounds the cost of a look-up.</summary>
    public const int MaxComponents = 64;

    // The allowed roots. The star stands for an agent's name.
    private static readonly string[][] Roots =
    [
        ["agents", "*", "state"],
        ["shared"],
    ];

    /// <summary>The beginnings of paths in container form; in host form they follow the data folder.</summary>
    public static IReadOnlyList<string> Beginnings { get; } = [.. Roots.Select(root => $"/{root[0]}/")];

    /// <summary>
    /// True when the path may name a state file. Paths with an empty component, <c>.</c> or <c>..</c> are refused,
    /// because the same file has a plain path.
    /// </summary>
    /// <param name="path">A path in container or host form. It is not decoded: a percent sign or a backslash is part of
    /// a name.</param>
    /// <param name="dataDir">The data folder, without a slash at its end.</param>
    /// <param name="names">The rule for agent names.</param>
    /// <param name="relative">The path below the data folder.</param>
    /// <param name="rootLength">The length of the root in <paramref name="relative"/>.</param>
    public static bool IsAllowed(
        ReadOnlySpan<char> path,
        string dataDir,
        IAgentNames names,
        out ReadOnlySpan<char> relative,
        out int rootLength
    )
    {
        relative =
            path.StartsWith(dataDir, StringComparison.Ordinal) && path[dataDir.Length..].StartsWith('/')
                ? path[dataDir.Length..]
                : path;
        rootLength = 0;
        if (relative.IsEmpty || relative[0] != '/')
            return false;
        relative = relative[1..];
        foreach (var root in Roots)
        {
            if (IsBelow(relative, root, names, out rootLength))
                return AreNames(relative[(rootLength + 1)..]);
        }

        return false;
    }

    private static bool IsBelow(ReadOnlySpan<char> path, string[] root, IAgentNames names, out int length)
    {
        length = -1;
        foreach (var expected in root)
        {
            var rest = path[(length + 1)..];
            var end = rest.IndexOf('/');
            if (
                end < 0
                || !(expected == "*" ? names.IsWellFormed(rest[..end].ToString()) : rest[..end].SequenceEqual(expected))
            )
                return false;
            length += end + 1;
        }

        return true;
    }

    private static bool AreNames(ReadOnlySpan<char> rest)
    {
        var count = 0;
        foreach (var range in rest.Split('/'))
        {
            var component = rest[range];
            if (++count > MaxComponents || component is "" or "." or ".." || IsHidden(component))
                return false;
        }

        // A zero would end the path early for the kernel.
        return !rest.Contains('\0');
    }

    private static bool IsHidden(ReadOnlySpan<char> component) =>
        component.Equals("forge-token", StringComparison.OrdinalIgnoreCase)
        || component.Equals(".git", StringComparison.OrdinalIgnoreCase)
        || component.Contains(".sqlite", StringComparison.OrdinalIgnoreCase);
}
