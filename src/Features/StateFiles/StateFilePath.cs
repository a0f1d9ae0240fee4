using Hive.Features.Agents.Contracts;

namespace Hive.Features.StateFiles;

/// <summary>
/// Which paths may be asked for at all, decided by their text alone. Below the data folder the layout is the one
/// containers see,
/// so a path in host form is one in container form behind the data folder's own.
/// </summary>
internal static class StateFilePath
{
    /// <summary>Longest path that is looked at, in bytes of UTF-8 (PATH_MAX of Linux, with its closing zero).</summary>
    public const int MaxBytes = 4096;

    /// <summary>Most components of a path below its root, so that one look-up stays short.</summary>
    public const int MaxComponents = 64;

    // The allowed roots. In the place of the star stands an agent's name.
    private static readonly string[][] Roots =
    [
        ["agents", "*", "state"],
        ["shared"],
    ];

    /// <summary>How a path in either form begins, after the data folder's own in host form.</summary>
    public static IReadOnlyList<string> Beginnings { get; } = [.. Roots.Select(root => $"/{root[0]}/")];

    /// <summary>
    /// True when a file of that path may be looked for. Every component must be a name: a path with an empty one,
    /// <c>.</c> or <c>..</c> is refused, since
    /// the same file has a plain path.
    /// </summary>
    /// <param name="path">In container or host form, as somebody wrote it. It is not decoded: a percent sign or a
    /// backslash is part of a name.</param>
    /// <param name="dataDir">The data folder, without a slash at its end.</param>
    /// <param name="names">Which names an agent may have.</param>
    /// <param name="relative">The path below the data folder.</param>
    /// <param name="rootLength">How much of <paramref name="relative"/> is the root.</param>
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
