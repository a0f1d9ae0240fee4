using System.Text.RegularExpressions;
using Hive.Protocol;
using Hive.Protocol.Options;

namespace Hive.Features.Meta;

/// <summary>Checks the urls of inputs. Errors never repeat the url, because it may hold a password.</summary>
internal sealed partial class InputUrls(HiveOptions options, HivePaths paths)
{
    /// <summary>The option with the folders whose repositories may be inputs.</summary>
    public const string AllowedPathsKey = "Inputs:AllowedPaths";

    private const int MaxLength = 1000;

    private readonly string[] allowed =
    [
        .. options.Inputs.AllowedPaths.Select(p => Path.TrimEndingDirectorySeparator(Path.GetFullPath(p))),
    ];

    /// <summary>Why an input may not have that url; null when it may. The text continues "the url …".</summary>
    public string? Fault(string url) => FormFault(url) ?? (IsPath(url) ? PathFault(url) : null);

    /// <summary>Why the url is invalid on any machine, whatever the operator allows; null when it is valid.</summary>
    public static string? FormFault(string url)
    {
        if (url.Length is 0 or > MaxLength || url.Any(c => c is <= ' ' or > '~'))
            return $"must be 1 to {MaxLength} visible ASCII characters";
        if (url.Contains("::", StringComparison.Ordinal))
            return "names a transport that runs a program ('…::'), which is never allowed; use https://, ssh:// "
                + "or git://";
        if (IsPath(url))
        {
            return
                PathOf(url) is var path
                && path.StartsWith('/')
                && !path.Contains('%', StringComparison.Ordinal)
                && Path.GetFullPath(path) == path
                ? null
                : "must be an absolute path such as file:///srv/git/skills, without '..', '//', '%' or a slash "
                    + "at its end";
        }

        var parts = Form().Match(url);
        if (!parts.Success)
        {
            return ScpForm().IsMatch(url)
                ? "is in the short form of ssh; write it as ssh://user@host/path"
                : "must be https://host/path, ssh://user@host/path or git://host/path, without query or fragment";
        }

        return (parts.Groups["scheme"].Value, parts.Groups["user"].Success, parts.Groups["password"].Success) switch
        {
            (_, _, true) =>
                "contains a password; remove it, and give Hive access by an ssh key (ssh://…) or without credentials",
            ("ssh", _, _) => null,
            (_, true, _) => "contains a user name, which may be a token; remove it, and give Hive access by an ssh key "
                + "(ssh://…) or without credentials",
            _ => null,
        };
    }

    private static bool IsPath(string url) =>
        url.StartsWith('/') || url.StartsWith("file://", StringComparison.OrdinalIgnoreCase);

    private static string PathOf(string url) => url.StartsWith('/') ? url : url["file://".Length..];

    private string? PathFault(string url)
    {
        var path = PathOf(url);
        // Agents write to the data folder, so nothing below it is allowed.
        if (
            IsBelow(path, Path.TrimEndingDirectorySeparator(paths.DataDir))
            || !Array.Exists(allowed, a => IsBelow(path, a))
        )
        {
            return allowed.Length > 0
                ? $"is outside the folders that {AllowedPathsKey} allows ({string.Join(", ", allowed)})"
                : "is a folder of the host, and no folder is allowed; the operator allows folders with "
                    + $"{AllowedPathsKey} (HIVE_INPUTS__ALLOWEDPATHS)";
        }

        return null;
    }

    private static bool IsBelow(string path, string folder) =>
        path == folder || folder == "/" || path.StartsWith(folder + "/", StringComparison.Ordinal);

    [GeneratedRegex(
        @"\A(?<scheme>https|ssh|git)://"
            + @"(?:(?<user>[A-Za-z0-9_][^/@:?#]*)?(?<password>:[^/@?#]*)?@)?"
            + @"(?:[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?|\[[0-9a-fA-F:.]+\])(?::[0-9]{1,5})?/[^?#]+\z",
        RegexOptions.NonBacktracking
    )]
    private static partial Regex Form();

    [GeneratedRegex(@"\A[A-Za-z0-9_.-]+@[A-Za-z0-9.-]+:[^:]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex ScpForm();
}
