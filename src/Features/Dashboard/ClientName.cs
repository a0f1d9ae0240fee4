namespace Hive.Features.Dashboard;

/// <summary>Shortens a browser's User-Agent header, which anybody can choose, to a name that an operator
/// recognises.</summary>
internal static class ClientName
{
    private const int MaxOther = 40;

    // Each browser also names those before it in this order.
    private static readonly (string Mark, string Name)[] Browsers =
    [
        ("Edg", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("FxiOS/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("CriOS/", "Chrome"),
        ("Safari/", "Safari"),
    ];

    private static readonly (string Mark, string Name)[] Systems =
    [
        ("Android", "Android"),
        ("iPhone", "iOS"),
        ("iPad", "iOS"),
        ("Windows", "Windows"),
        ("Mac OS X", "macOS"),
        ("CrOS", "ChromeOS"),
        ("Linux", "Linux"),
    ];

    /// <summary>Such as <c>Firefox on Linux</c>; the first word of another program's header, such as <c>curl/8.5</c>;
    /// null without a header.</summary>
    public static string? Of(string userAgent)
    {
        var browser = Find(Browsers, userAgent);
        var system = Find(Systems, userAgent);
        if (browser is not null)
            return system is null ? browser : $"{browser} on {system}";
        var word = userAgent.Split(' ', 2)[0];
        return word.Length == 0 ? null : word[..Math.Min(word.Length, MaxOther)];
    }

    private static string? Find((string Mark, string Name)[] known, string userAgent) =>
        known.FirstOrDefault(k => userAgent.Contains(k.Mark, StringComparison.Ordinal)).Name;
}
