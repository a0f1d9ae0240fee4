using System.Globalization;
using System.Text.Json.Nodes;
using Hive.Protocol;

namespace Hive.Features.Gates;

/// <summary>Composes an example of an artifact that passes its gate, as an entry of <c>artifacts</c>.</summary>
internal static class ArtifactExample
{
    private const string AnyFile = "evidence.md";

    /// <summary>Adds the example to what an agent is told of an artifact, unless no path is found that matches the
    /// artifact's pattern.</summary>
    public static void Add(
        JsonObject told,
        string type,
        ExpectedOutput? output,
        IReadOnlyList<Criterion> criteria,
        string? repository
    )
    {
        var example = new JsonObject { ["type"] = type };
        if (criteria.Any(c => c.Commit is not null))
        {
            example["commit"] = "<git rev-parse HEAD>";
            example["repository"] = repository ?? "<the folder of the repository>";
            told["example"] = example;
            return;
        }

        var members = Members(output, criteria);
        var pattern = output?.Pattern is { } p && PathPattern.IsChecked(p) ? p : null;
        if (pattern is null && members.Count > 0)
        {
            example["content"] = members;
            told["example"] = example;
            return;
        }

        if (PathOf(type, pattern) is not { } path)
            return;
        example["path"] = path;
        told["example"] = example;
        if (members.Count > 0)
            told["example_file"] = members;
    }

    // The JSON object that the criteria look into.
    private static JsonObject Members(ExpectedOutput? output, IReadOnlyList<Criterion> criteria)
    {
        var members = new JsonObject();
        foreach (var criterion in criteria)
        {
            if (criterion.Field is { } field)
                members[field] = criterion.AtLeast ?? criterion.AtMost;
            if (criterion.Flag is { } flag)
                members[flag] = true;
        }

        if (
            output?.ValidationRule?.Split(':', 2, StringSplitOptions.TrimEntries) is ["min_passing", var least]
            && int.TryParse(least, NumberStyles.None, CultureInfo.InvariantCulture, out var passing)
        )
            members["passing"] = passing;
        return members;
    }

    // A glob with its wildcards filled in; null when that is not a plain path which matches.
    private static string? PathOf(string type, string? pattern)
    {
        if (pattern is null)
            return type.All(c => char.IsAsciiLetterOrDigit(c) || c is '_' or '-') ? $"{type}.md" : AnyFile;
        var path = pattern.Replace("**/", "", StringComparison.Ordinal);
        if (path.StartsWith("*/", StringComparison.Ordinal))
            path = "work" + path[1..];
        path = path.Replace("**", "1", StringComparison.Ordinal).Replace('*', '1').Replace('?', '1');
        return path.Length > 0 && path[0] != '/' && PathPattern.Matches(pattern, path) ? path : null;
    }
}
