using Hive.Common.Errors;

namespace Hive.Common.Doors;

/// <summary>Pages of lists that are read whole. A page is the end of what stands before an entry, so that a list is
/// read from its newest entry backwards.</summary>
public static class Pages
{
    /// <summary>A page of a list that is ordered by its ids.</summary>
    /// <param name="all">The list, the lowest id first.</param>
    /// <param name="limit">The most entries; null for all.</param>
    /// <param name="before">Only lower ids; null for all.</param>
    /// <param name="id">The id of an entry.</param>
    public static IReadOnlyList<T> Page<T>(this IEnumerable<T> all, int? limit, long? before, Func<T, long> id) =>
        [.. all.Where(entry => before is not { } end || id(entry) < end).TakeLast(Most(limit))];

    /// <summary>A page of a list that is ordered by its ids, the highest first.</summary>
    public static IReadOnlyList<T> PageDown<T>(this IEnumerable<T> all, int? limit, long? before, Func<T, long> id) =>
        [.. all.Where(entry => before is not { } end || id(entry) < end).Take(Most(limit))];

    /// <summary>A page of a list of names.</summary>
    /// <param name="all">The list.</param>
    /// <param name="limit">The most entries; null for all.</param>
    /// <param name="before">Only entries above the one of this name; null for all.</param>
    /// <param name="name">The name of an entry.</param>
    /// <exception cref="Problem">Code <c>invalid</c>: the list does not have that name.</exception>
    public static IReadOnlyList<T> Page<T>(this IEnumerable<T> all, int? limit, string? before, Func<T, string> name)
    {
        T[] entries = [.. all];
        var end = before is null ? entries.Length : Array.FindIndex(entries, entry => name(entry) == before);
        return end < 0
            ? throw Problem.Invalid("'before' is not a name of this list; begin again without it")
            : [.. entries.Take(end).TakeLast(Most(limit))];
    }

    private static int Most(int? limit) => limit is { } most ? Math.Max(1, most) : int.MaxValue;
}
