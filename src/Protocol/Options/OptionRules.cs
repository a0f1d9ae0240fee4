using System.Globalization;
using System.Text.RegularExpressions;

namespace Hive.Protocol.Options;

/// <summary>Checks a value of an option, and explains what would be right.</summary>
internal static partial class OptionRules
{
    private const int LeastTokenLength = 16;
    private const int MostTextLength = 1000;
    private const int MostSeconds = 24 * 60 * 60;
    private const StringSplitOptions NoBlanks = StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries;

    /// <summary>The parts of a list.</summary>
    public static string[] Parts(string value) => value.Split([';', ','], NoBlanks);

    public static bool IsTrue(string value) => value.ToUpperInvariant() is "TRUE" or "1" or "ON" or "YES";

    /// <summary>Says what the value must be instead, as a clause that follows it in an error; null when the value is
    /// valid.</summary>
    public static string? Fault(HiveOption option, string value)
    {
        // A password may be anything that fits on a line.
        if (value.Any(char.IsControl) || value.Length > MostTextLength)
            return $"use one line of at most {MostTextLength} characters without control characters";
        return option.Kind switch
        {
            OptionKind.Switch => IsTrue(value) || IsFalse(value) ? null : "use true or false",
            OptionKind.Choice => option.Choices.Contains(value, StringComparer.OrdinalIgnoreCase)
                ? null
                : $"{Near(value, option.Choices)}choose {Listed(option.Choices)}",
            OptionKind.Seconds => SecondsOf(value) >= option.Least
                ? null
                : $"use a whole number of seconds from {option.Least} to {MostSeconds}",
            OptionKind.Decimal => DecimalForm().IsMatch(value)
            && decimal.TryParse(value, NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
            && number >= option.Least
            && number <= option.Most
                ? null
                : $"use a number from {option.Least} to {option.Most} with at most two decimals, such as "
                    + option.Default,
            OptionKind.SecondsList => Array.ConvertAll(Parts(value), SecondsOf) is { Length: > 0 } list
            && list.All(s => s is not null)
            && list.SequenceEqual(list.Order())
                ? null
                : $"use rising numbers of seconds up to {MostSeconds}, such as 120;600",
            OptionKind.Folder => FolderFault(value),
            OptionKind.RootFolder => Directory.Exists(Path.Combine(value, "usr"))
                ? null
                : "name a folder with a usr in it",
            OptionKind.Folders => Parts(value).Select(FolderFault).FirstOrDefault(fault => fault is not null),
            OptionKind.File => Directory.Exists(value) ? "that is a folder; name a file" : null,
            OptionKind.WholePath => value.StartsWith('/') ? null : "use a path that begins with /",
            OptionKind.Socket => SocketForm().IsMatch(value)
                ? null
                : "use the path of a unix socket that begins with /, or unix:///path",
            OptionKind.ListenUrls => ListenFault(value),
            OptionKind.HostNames => Array.TrueForAll(Parts(value), name => HostForm().IsMatch(name))
                ? null
                : "use names of hosts, such as hive.example.org, without scheme, port and *",
            OptionKind.Domain => DomainForm().IsMatch(value)
                ? null
                : "use letters, digits, '-' and '.', at most 200 characters, such as hive.local",
            OptionKind.HookUrl => IsUrl(value, mayHaveQuery: true)
                ? null
                : "use http:// or https://, a host and perhaps a path and a query, without user, password and fragment",
            OptionKind.Url => IsUrl(value)
                ? null
                : "use http:// or https://, a host and perhaps a path, without user, password, query and fragment",
            OptionKind.Image => ImageForm().IsMatch(value)
                ? null
                : "use the name of an image, such as localhost/hive-agent:latest",
            OptionKind.AccessToken => TokenFault(value),
            _ => null,
        };
    }

    private static int? SecondsOf(string value) =>
        int.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var seconds) && seconds <= MostSeconds
            ? seconds
            : null;

    private static bool IsFalse(string value) => value.ToUpperInvariant() is "FALSE" or "0" or "OFF" or "NO";

    private static string Listed(IReadOnlyList<string> words) =>
        $"{string.Join(", ", words.SkipLast(1))} or {words[^1]}";

    private static string Near(string given, IEnumerable<string> words)
    {
        var near = words.FirstOrDefault(w => NearNames.Of(given.ToUpperInvariant(), [w.ToUpperInvariant()]).Length > 0);
        return near is null ? "" : $"did you mean {near}? If not, ";
    }

    private static string? TokenFault(string value) =>
        value.Length < LeastTokenLength
            ? $"it has fewer than {LeastTokenLength} characters; use a longer one, or leave it out and Hive creates one"
        : VisibleForm().IsMatch(value) ? null
        : "use visible ASCII characters without blanks";

    private static string? FolderFault(string path) => File.Exists(path) ? "that is a file; name a folder" : null;

    private static string? ListenFault(string value)
    {
        string[] urls = value.Split(';', NoBlanks);
        if (Array.Exists(urls, url => url.StartsWith("https:", StringComparison.OrdinalIgnoreCase)))
            return "Hive serves plain http; put a proxy before it for https";
        return urls.Length > 0 && Array.TrueForAll(urls, CanBeListenedAt)
            ? null
            : $"use http://ADDRESS:PORT with a port up to {ushort.MaxValue} and no path, "
                + $"such as {HiveOptions.DefaultUrl}; several are separated by ;";

        static bool CanBeListenedAt(string url) =>
            ListenForm().Match(url) is { Success: true } form
            && (
                form.Groups["port"] is not { Success: true } port
                || int.Parse(port.Value, CultureInfo.InvariantCulture) <= ushort.MaxValue
            );
    }

    private static bool IsUrl(string value, bool mayHaveQuery = false) =>
        Uri.TryCreate(value, UriKind.Absolute, out var url)
        && url.Scheme is "http" or "https"
        && url.UserInfo.Length == 0
        && (mayHaveQuery || url.Query.Length == 0)
        && url.Fragment.Length == 0;

    [GeneratedRegex(
        @"\Ahttp://(unix:/.+|(\*|\+|\[[0-9a-f:.%]+\]|[^/:\[\]?#@\s]+)(:(?<port>[0-9]{1,5}))?/?)\z",
        RegexOptions.NonBacktracking | RegexOptions.IgnoreCase
    )]
    private static partial Regex ListenForm();

    [GeneratedRegex(@"\A(unix://)?/[^/].*\z", RegexOptions.NonBacktracking)]
    private static partial Regex SocketForm();

    [GeneratedRegex(@"\A(\[[0-9a-fA-F:.]+\]|[A-Za-z0-9_.-]+)\z", RegexOptions.NonBacktracking)]
    private static partial Regex HostForm();

    [GeneratedRegex(@"\A[A-Za-z0-9]([A-Za-z0-9.-]{0,198}[A-Za-z0-9])?\z", RegexOptions.NonBacktracking)]
    private static partial Regex DomainForm();

    [GeneratedRegex(@"\A[A-Za-z0-9][!-~]*\z", RegexOptions.NonBacktracking)]
    private static partial Regex ImageForm();

    [GeneratedRegex(@"\A[0-9]+(\.[0-9]{1,2})?\z", RegexOptions.NonBacktracking)]
    private static partial Regex DecimalForm();

    [GeneratedRegex(@"\A[!-~]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex VisibleForm();
}
