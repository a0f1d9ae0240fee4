using System.Text.RegularExpressions;
using Hive.Common.Doors;

namespace Hive.Features.Locks.Contracts;

/// <summary>The names of resources: <c>type:id</c>, such as <c>repo:shop</c>.</summary>
internal static partial class ResourceName
{
    /// <summary>The most resources that one task declares.</summary>
    public const int MostDeclared = 20;

    /// <summary>Says what is wrong with a name; null when nothing is.</summary>
    public static string? Fault(string? name) =>
        name is null ? "is null; write a type and an id, such as repo:shop"
        : TextRules.Fault(name) is { } fault ? $"contains {fault}; send valid UTF-8 text"
        : !Form().IsMatch(name) || char.IsWhiteSpace(name[^1])
            ? "must be '<type>:<id>', such as repo:shop: a type of at most 50 lower-case letters, digits and '_', and "
                + "an id of 1 to 300 characters without blanks around it"
        : null;

    /// <summary>The two parts of a name that has no fault. The id may contain colons.</summary>
    public static (string Type, string Id) Parts(string name)
    {
        var colon = name.IndexOf(':', StringComparison.Ordinal);
        return (name[..colon], name[(colon + 1)..]);
    }

    [GeneratedRegex(@"\A[a-z][a-z0-9_]{0,49}:[^\s\p{Cc}][^\p{Cc}]{0,299}\z")]
    private static partial Regex Form();
}
